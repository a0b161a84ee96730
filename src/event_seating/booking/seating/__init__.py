"""An event that seats can be booked in: its map, prices, secrets and ids."""
