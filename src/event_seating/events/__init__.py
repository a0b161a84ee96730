"""Events: what is on, when, and how its seats are sold."""
