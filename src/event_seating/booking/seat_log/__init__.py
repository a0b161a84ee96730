"""The log of an event's seats: its writer, its rows, and the state that is replayed from them."""
