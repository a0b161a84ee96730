"""How fast the service is, in ratios that travel: each is against a peer in the same run."""
