"""The service as its operator sees it: health, cache, metrics."""
