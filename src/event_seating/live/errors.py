"""Errors of watching an event live."""

from event_seating.errors import ServiceError


class WatchersFull(ServiceError):
    """As many watch as this instance can serve, or as many events as its memory holds."""

    status = 503
    code = "watchers_full"
    sentence = "Too many watch here at the moment; try again in a moment."


class TooManyWatchers(ServiceError):
    """One address watches as often as an address may."""

    status = 429
    code = "too_many_watchers"
    sentence = "Too many live connections from this address; close one of them first."
