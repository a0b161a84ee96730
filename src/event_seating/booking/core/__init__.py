"""The rules and the state of an event's seats, pure: the standard library and msgspec only."""
