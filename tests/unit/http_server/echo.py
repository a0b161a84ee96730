"""Applications that answer what they were asked."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from event_seating.http_server.asgi import Message, Receive, Scope, Send
from event_seating.http_server.heads import HeaderFields

AT_ONCE: Final = b"/ready"
"""Requests for it are answered at once, if the application can."""

READY: Final = b"ready"


class Seen(NamedTuple):
    """A request as the application saw it."""

    method: str
    target: bytes
    version: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes | None
    """None if the client went away before its end."""


class Echo:
    """Answers each request with its method, target and body; refuses WebSockets with 404."""

    def __init__(self) -> None:
        self.seen: dict[int, list[Seen]] = {}
        """By the client's port, which is another for each connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._refuse(scope, send)
            return
        body = await whole(receive)
        self._note(scope, body)
        if body is None:
            return
        answer = b"%b %b %b" % (scope["method"].encode(), target_of(scope), body)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": answer})

    async def _refuse(self, scope: Scope, send: Send) -> None:
        self._note(scope, b"")
        headers = [(b"content-length", b"2")]
        await send({"type": "websocket.http.response.start", "status": 404, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": b"no"})

    def _note(self, scope: Scope, body: bytes | None) -> None:
        seen = Seen(
            scope["method"],
            target_of(scope),
            scope["http_version"],
            tuple(scope["headers"]),
            body,
        )
        self.seen.setdefault(int(scope["client"][1]), []).append(seen)


class EchoAtOnce(Echo):
    """The same, with an answer to `AT_ONCE` that nothing has to be waited for."""

    def at_once(
        self, method: bytes, target: bytes, fields: HeaderFields, peer: tuple[str, int], date: bytes
    ) -> object:
        if target != AT_ONCE:
            return None
        seen = Seen(method.decode(), target, "1.1", tuple(fields.all), b"")
        self.seen.setdefault(peer[1], []).append(seen)
        answer = b"" if method == b"HEAD" else READY
        return b"HTTP/1.1 200 OK\r\n%bcontent-length: 5\r\n\r\n%b" % (date, answer)


class Gated:
    """Answers each request once its path may be answered."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self._gates: dict[bytes, asyncio.Event] = {}

    def let(self, *names: bytes) -> None:
        for name in names:
            self._gate(name).set()

    def _gate(self, name: bytes) -> asyncio.Event:
        return self._gates.setdefault(name, asyncio.Event())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["raw_path"]
        self.asked.append(path)
        await self._gate(path).wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": path})


class Steps:
    """An application of one test: its steps are the function that it is made of."""

    def __init__(self, steps: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._steps = steps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._steps(scope, receive, send)


def target_of(scope: Scope) -> bytes:
    """The path and the query as they were sent."""
    query: bytes = scope["query_string"]
    path: bytes = scope["raw_path"]
    return b"%b?%b" % (path, query) if query else path


async def whole(receive: Receive) -> bytes | None:
    """The whole body, or None if the client went away before its end."""
    parts: list[bytes] = []
    while True:
        message: Message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message["body"])
        if not message["more_body"]:
            return b"".join(parts)
