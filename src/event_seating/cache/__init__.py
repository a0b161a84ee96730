"""Hot reads: cached answers, and one load for all callers who miss the same key at once."""
