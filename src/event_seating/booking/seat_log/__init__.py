"""The log of an event's seats: its one writer, its rows, and the state that follows."""
