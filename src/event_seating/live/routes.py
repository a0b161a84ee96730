"""Long poll: the same frames as over a WebSocket, one per answer, for networks without it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Annotated, Any, Final

from fastapi import Query, Request, Response
from pydantic import BaseModel, Field

from event_seating.booking.api.answer_schemas import Counts
from event_seating.booking.api.seat_routes import EPOCH_CHARS_MAX
from event_seating.booking.errors import EventUnavailable
from event_seating.errors import (
    BodyTooLarge,
    DatabaseUnavailable,
    Draining,
    EventNotFound,
    InvalidRequest,
)
from event_seating.events.routes import EventBody
from event_seating.live import frames
from event_seating.live.errors import TooManyWatchers, WatchersFull
from event_seating.live.frames import Frame
from event_seating.live.hub import LiveHub
from event_seating.live.socket import EVENT_ID, LiveSocket
from event_seating.live.subscriber import GOING_AWAY, Closing, QueuedSubscriber
from event_seating.web.endpoints import Budget, WebSocketRoute
from event_seating.web.pages import INTEGER_MAX
from event_seating.web.roles import Role
from event_seating.web.routes import Routes

WAIT_S_MAX: Final = 30
"""Less than proxies wait for an answer."""

MERGED_WITHIN_S: Final = 0.2
"""What changes in this time after a poll began is one answer: a client that polls a busy event asks
five times a second and not for each frame, since a request costs a hundred times what a frame does.
"""


class ChangesBody(BaseModel):
    """What changed, up to `version`; a field that has nothing new is left out."""

    version: int = Field(description="Ask from here next time.")
    changes: dict[str, str] | None = Field(None, description="The status of each seat that moved.")
    areas: dict[str, Counts] | None = Field(
        None, description="The counts of each area in which places moved."
    )
    event: EventBody | None = Field(None, description="How the event sells, if that changed.")
    reload: bool | None = Field(
        None, description="Too much changed: read the event and its seats again."
    )


def router(hub: LiveHub, monotonic: Callable[[], float]) -> Routes:
    routes = Routes(tags=["seats"])
    routes.websocket(
        "/events/{id}/live",
        WebSocketRoute(EVENT_ID, LiveSocket(hub, monotonic)),
        access=Role.anyone,
        budget=Budget.unlimited,
    )

    @routes.get(
        "/events/{id}/changes",
        access=Role.anyone,
        budget=Budget.unlimited,
        refuses=(
            EventNotFound,
            InvalidRequest,
            BodyTooLarge,
            TooManyWatchers,
            WatchersFull,
            Draining,
            EventUnavailable,
            DatabaseUnavailable,
        ),
        operation_id="readChanges",
        summary="Wait for changes of an event's seats",
        response_model=ChangesBody,
        response_model_exclude_none=True,
    )
    async def read_changes(
        request: Request,
        id: str,  # noqa: A002
        since: Annotated[
            int | None, Query(ge=0, le=INTEGER_MAX, description="The version that you have.")
        ] = None,
        epoch: Annotated[
            str | None, Query(max_length=EPOCH_CHARS_MAX, description="The one of your version.")
        ] = None,
        wait: Annotated[
            float, Query(ge=0, le=WAIT_S_MAX, description="Seconds to wait for a change.")
        ] = WAIT_S_MAX,
        fallback: Annotated[
            bool, Query(description="This is a page whose WebSocket did not open.")
        ] = False,
    ) -> Response:
        """At once if something changed after `since`, else when it does or `wait` has passed."""
        if fallback:
            hub.note_fallback()
        address = request.scope["client_address"]
        subscriber = QueuedSubscriber()
        async with hub.joined(subscriber, id, address, since, epoch) as feed:
            news = _next_news(
                subscriber, wait, lambda version: feed.missed(version, epoch), monotonic
            )
            frame = await _unless_gone(request, news)
        return Response(
            frame.text, headers={"cache-control": "no-store"}, media_type="application/json"
        )

    return routes


async def _unless_gone(request: Request, news: Coroutine[Any, Any, Frame]) -> Frame:
    """The next frame; any frame once the client has disconnected, since nobody reads it."""
    waiting, gone = asyncio.create_task(news), asyncio.create_task(_hung_up(request))
    try:
        await asyncio.wait((waiting, gone), return_when=asyncio.FIRST_COMPLETED)
        if waiting.done():
            return waiting.result()
        gone.result()  # raises the error of a body that came although none was expected
        return frames.heartbeat(0)
    finally:
        waiting.cancel()
        gone.cancel()
        await asyncio.gather(waiting, gone, return_exceptions=True)


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        continue


async def _next_news(
    subscriber: QueuedSubscriber,
    within_s: float,
    missed: Callable[[int], Awaitable[Frame]],
    monotonic: Callable[[], float],
) -> Frame:
    """What is there at once or comes next; a heartbeat if nothing is new in that time.

    What comes soon after the beginning is answered a little later, with all that comes meanwhile.
    A frame that was queued but not read is not reported: the version is that of the last frame
    read.
    """
    version, hold_until = 0, monotonic() + MERGED_WITHIN_S
    try:
        async with asyncio.timeout(within_s):
            while True:
                following = await subscriber.next()
                if isinstance(following, Closing):
                    if following is GOING_AWAY and version:
                        return frames.heartbeat(version)
                    raise EventUnavailable
                if following.silent:
                    version = following.version
                elif not version or monotonic() >= hold_until:
                    return following
                else:
                    await asyncio.sleep(hold_until - monotonic())
                    return await missed(version)
    except TimeoutError:
        return frames.heartbeat(version)
