"""What every request passes: the edge, the errors, the security of the door."""
