"""Errors of venues and their seat maps."""

from collections.abc import Sequence
from dataclasses import dataclass

from event_seating.errors import ServiceError


@dataclass(frozen=True, slots=True)
class MapFault:
    """One thing that is wrong with a map: where (`sections[3].rows[0].seats[12].id`), and what.

    The path is empty when the fault is in the map as a whole.
    """

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class InvalidMap(ServiceError):
    """The seat map is not accepted; `faults` are the first ones, `total` counts all of them."""

    status = 400
    code = "invalid_map"
    sentence = "The seat map is not valid; `fields` names each fault."

    def __init__(self, faults: Sequence[MapFault], total: int | None = None) -> None:
        self.faults = tuple(faults)
        self.total = len(self.faults) if total is None else total
        fields = [
            {"field": fault.path or "body", "message": fault.message} for fault in self.faults
        ]
        super().__init__(details={"fields": fields, "faults": self.total})


class VenueNotFound(ServiceError):
    """No venue has this id."""

    status = 404
    code = "venue_not_found"
    sentence = "No venue has this id."


class VenueVersionNotFound(ServiceError):
    """The venue exists, but this version of its map does not."""

    status = 404
    code = "venue_version_not_found"
    sentence = "This venue's seat map has no such version."


class VenueExists(ServiceError):
    """A venue with this id exists already; `id` names it."""

    status = 409
    code = "venue_exists"
    sentence = "A venue with this id exists already; `PUT /venues/{id}` gives it a new seat map."

    def __init__(self, venue_id: str) -> None:
        super().__init__(details={"id": venue_id})
