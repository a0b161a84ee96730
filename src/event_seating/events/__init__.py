"""Events: their names and times, and how their seats are sold."""
