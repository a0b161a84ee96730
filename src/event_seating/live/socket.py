"""`WS /events/{id}/live`: frames over a WebSocket, and nothing in the other direction.

It accepts the handshake first and reports an error by a close code, because a page cannot read why
a handshake was refused. A client has nothing to send; its messages are only counted, so that a
flood ends the connection.

Where the server writes ready frames (`DirectFrames`), they go past this module, whose task only
reads: thousands of watchers cost one sleeping task each. Elsewhere each frame is sent when the
connection has taken the one before, so that a client that does not read fills its own queue and no
other.
"""

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Final
from urllib.parse import parse_qs

from event_seating.booking.api.seat_routes import EPOCH_CHARS_MAX
from event_seating.booking.seating.ids import EVENT_ID_CHARS
from event_seating.errors import Draining, EventNotFound, InvalidRequest, ServiceError
from event_seating.http_server.asgi import DIRECT_FRAMES, Receive, Scope, Send
from event_seating.live.errors import TooManyWatchers
from event_seating.live.hub import LiveHub
from event_seating.live.subscriber import (
    GOING_AWAY,
    Closing,
    DirectSubscriber,
    QueuedSubscriber,
)
from event_seating.web.pages import INTEGER_MAX

EVENT_ID: Final = re.compile(rf"[^/]{{1,{4 * EVENT_ID_CHARS}}}")
"""Wider than event ids, so that a wrong id gets a proper error."""

MESSAGE_CHARS_MAX: Final = 1_024
"""More than any client has a reason to send."""

MESSAGES_MAX: Final = 30
MESSAGES_WITHIN_S: Final = 60.0
"""Allows a heartbeat of the client's own every two seconds."""

CLOSE_WITHIN_S: Final = 1.0
"""For the close frame; a client that does not read does not get it."""

QUERY_FIELDS_MAX: Final = 8
_VERSION: Final = re.compile(r"\d{1,19}\Z", re.ASCII)

TOO_LARGE: Final = Closing(1009, "This socket takes no messages.")
FLOOD: Final = Closing(1008, "This socket takes no messages.")
GONE: Final = Closing(1006, "")
"""The connection has ended; nothing can be sent on it any more."""

CODES: Final[dict[type[ServiceError], int]] = {
    InvalidRequest: 4400,
    EventNotFound: 4404,
    TooManyWatchers: 4429,
    Draining: GOING_AWAY.code,
}
"""Close codes by error; every other error has 1013, try again later."""

TRY_AGAIN_LATER: Final = 1013


class LiveSocket:
    """Serves every WebSocket of the live updates."""

    def __init__(self, hub: LiveHub, monotonic: Callable[[], float]) -> None:
        self._hub = hub
        self._monotonic = monotonic

    async def __call__(
        self, event_id: str, address: str, scope: Scope, receive: Receive, send: Send
    ) -> int:
        """Serve one connection until it closes; the bytes of its frames."""
        await receive()  # the handshake itself
        await send({"type": "websocket.accept"})
        direct = (scope.get("extensions") or {}).get(DIRECT_FRAMES)
        subscriber = QueuedSubscriber() if direct is None else DirectSubscriber(direct)
        try:
            since, epoch = _asked(scope["query_string"])
            async with self._hub.joined(subscriber, event_id, address, since, epoch):
                if isinstance(subscriber, QueuedSubscriber):
                    closing = await self._converse(subscriber, receive, send)
                else:
                    closing = await self._listen(receive)
                # Inside the block, so that a process that stops waits for it.
                await _close(closing, send)
        except ServiceError as error:
            code = CODES.get(type(error), TRY_AGAIN_LATER)
            await _close(Closing(code, str(error)), send)
        return subscriber.sent_bytes

    async def _converse(
        self, subscriber: QueuedSubscriber, receive: Receive, send: Send
    ) -> Closing:
        """Send and receive until one of them ends; why it ended."""
        writer = asyncio.create_task(_write(subscriber, send))
        reader = asyncio.create_task(self._listen(receive))
        try:
            await asyncio.wait(
                (writer, reader, subscriber.closed), return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            reader.cancel()
            if not writer.done():
                # Cancelling a send cannot cut a frame in half: the server has it already.
                writer.cancel()
            await asyncio.gather(writer, reader, return_exceptions=True)
        if not reader.cancelled() and reader.exception() is None:
            return reader.result()
        return subscriber.closing or GONE

    async def _listen(self, receive: Receive) -> Closing:
        """Read messages until the client disconnects or sends too much."""
        began, messages = self._monotonic(), 0
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return GONE
            if len(message.get("text") or message.get("bytes") or "") > MESSAGE_CHARS_MAX:
                return TOO_LARGE
            now = self._monotonic()
            if now - began >= MESSAGES_WITHIN_S:
                began, messages = now, 0
            messages += 1
            if messages > MESSAGES_MAX:
                return FLOOD


async def _write(subscriber: QueuedSubscriber, send: Send) -> None:
    while True:
        following = await subscriber.next()
        if isinstance(following, Closing):
            return
        await send({"type": "websocket.send", "text": following.text})
        subscriber.sent_bytes += len(following.text)


async def _close(closing: Closing, send: Send) -> None:
    if closing is GONE:
        return
    with suppress(Exception):  # the client may disconnect at this very moment
        async with asyncio.timeout(CLOSE_WITHIN_S):
            await send({"type": "websocket.close", "code": closing.code, "reason": closing.reason})


def _asked(query: bytes) -> tuple[int | None, str | None]:
    """`since` and `epoch`; raises `InvalidRequest`."""
    try:
        found = parse_qs(
            query.decode("latin-1"), keep_blank_values=True, max_num_fields=QUERY_FIELDS_MAX
        )
    except ValueError:
        raise InvalidRequest("The query has too many fields.") from None
    since, epoch = found.get("since", [None])[-1], found.get("epoch", [None])[-1]
    if since is not None and (not _VERSION.match(since) or int(since) > INTEGER_MAX):
        raise InvalidRequest("since: must be the version of a snapshot or frame")
    if epoch is not None and len(epoch) > EPOCH_CHARS_MAX:
        raise InvalidRequest("epoch: must be the epoch of the snapshot")
    return None if since is None else int(since), epoch
