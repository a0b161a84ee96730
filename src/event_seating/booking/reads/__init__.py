"""What the API answers about seats, holds and bookings."""
