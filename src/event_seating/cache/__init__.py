"""Hot reads: what is remembered, and one load for everybody who misses it at once."""
