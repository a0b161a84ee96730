"""Rate limits: how many requests each client may make, in every window at once."""
