"""Rate limits: how much each client may ask, in every window at once."""
