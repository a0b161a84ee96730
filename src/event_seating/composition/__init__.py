"""Where all parts of a process are built and put together."""
