"""Every setting: its values, how they are parsed, and its description."""
