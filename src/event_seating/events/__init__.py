"""Events: a venue's map, put on sale for one evening."""
