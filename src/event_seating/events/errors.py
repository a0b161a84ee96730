"""Errors of creating an event."""

from event_seating.errors import ServiceError


class PriceMissing(ServiceError):
    """A new event has seats in a category that neither the request nor the map gives a price."""

    status = 400
    code = "price_missing"
    sentence = "Every category with seats needs a price; `fields` names those without."


class UnknownVenue(ServiceError):
    """A new event names a venue that does not exist."""

    status = 400
    code = "unknown_venue"
    sentence = "No venue has the id that `venueId` names; create the venue first."
