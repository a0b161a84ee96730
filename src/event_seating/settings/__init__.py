"""Every setting: what it may be, how it is written, and how it is described."""
