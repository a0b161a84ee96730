"""Rate limits: how much each client may ask, exactly, in every window at once."""
