"""The processes of a server: how each begins, is watched, and ends."""
