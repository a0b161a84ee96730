"""The routes of seats, holds and bookings, and the service behind them."""
