"""Venues and their seat maps.

`formats.parse_map` reads the bytes of a map into a `model.VenueMap`, `formats.encode_map` writes
it, and `arenas.arena` generates one.
"""
