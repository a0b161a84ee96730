"""The route by which the box office gives back what one buyer or address holds."""

from typing import Final

from fastapi import Request, Response

from event_seating.booking.api import examples
from event_seating.booking.api.answer_schemas import ReleasedHoldsBody
from event_seating.booking.api.buyer_cookie import Buyers
from event_seating.booking.api.hold_releases import HoldReleases
from event_seating.booking.api.request_bodies import PATTERNS, ReleaseHoldsBody
from event_seating.booking.api.routes import WRITES, caller_of
from event_seating.booking.errors import HoldBooked, HoldExpired, HoldNotFound, HoldReleased
from event_seating.booking.reads import rendering
from event_seating.errors import EventNotFound
from event_seating.web.cache_control import PRIVATE
from event_seating.web.endpoints import Budget
from event_seating.web.idempotency import REPLAYED
from event_seating.web.json_body import JsonBody
from event_seating.web.parameters import Key
from event_seating.web.roles import Role
from event_seating.web.routes import Routes

_RELEASE: Final = JsonBody(ReleaseHoldsBody, PATTERNS, examples.RELEASE_HOLDS)


def router(releases: HoldReleases, buyers: Buyers) -> Routes:
    routes = Routes(tags=["holds"])

    @routes.post(
        "/events/{id}/holds/release",
        access=Role.box_office,
        budget=Budget.seating,
        body=_RELEASE,
        idempotent=True,
        refuses=(EventNotFound, HoldNotFound, HoldExpired, HoldReleased, HoldBooked, *WRITES),
        operation_id="releaseHolds",
        summary="Give back all that one buyer or address holds",
        response_model=ReleasedHoldsBody,
    )
    async def release_holds(request: Request, id: str, key: Key = None) -> Response:  # noqa: A002
        """Against hoarding; nobody's booking is touched."""
        caller = caller_of(request, buyers, key)
        released = await releases.release(id, await _RELEASE.of(request), caller)
        headers = {"cache-control": PRIVATE, **(REPLAYED if released.replayed else {})}
        encoded = rendering.encode(released.body)
        return Response(encoded, headers=headers, media_type="application/json")

    return routes
