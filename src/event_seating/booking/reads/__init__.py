"""What is answered about seats, holds and bookings."""
