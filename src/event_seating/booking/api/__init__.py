"""What HTTP asks of seats, and the service behind it."""
