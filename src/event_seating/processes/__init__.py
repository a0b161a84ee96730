"""The processes of a server: how each starts, is watched, and ends."""
