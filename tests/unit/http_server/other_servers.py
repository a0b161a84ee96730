"""How other servers read a stream: h11, uvicorn with httptools, and granian.

Each gives the requests that an application behind it would see, and whether it refused what
follows. h11 and uvicorn are driven without sockets, so that their readings are the same each time.
"""

import asyncio
import logging
import socket
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Any, Final, NamedTuple

import h11
from tests.support.wire import Wire, settle
from tests.unit.http_server.echo import Echo, Seen
from tests.unit.http_server.outcomes import outcomes
from tests.unit.http_server.reference import borders, origin_form
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from event_seating.web.granian import GranianServer

QUIET_S: Final = 0.4
"""granian has threads of its own: nothing for so long, and it waits for more."""


class Read(NamedTuple):
    """How a server read a stream."""

    requests: list[tuple[str, bytes, bytes]]
    """Method, target and body of each whole one."""
    headers: list[tuple[tuple[bytes, bytes], ...]]
    refused: bool
    """Whether it refused, or closed at, what follows."""


async def by_ours(streams: Sequence[bytes]) -> list[Read]:
    found = await outcomes([[stream] for stream in streams], at_once=False)
    return [_read(list(each.seen), refused=each.end.isdigit()) for each in found]


def _read(seen: list[Seen], *, refused: bool) -> Read:
    whole = [each for each in seen if each.body is not None]
    return Read(
        [(each.method, each.target, each.body or b"") for each in whole],
        [each.headers for each in whole],
        refused,
    )


async def by_h11(streams: Sequence[bytes]) -> list[Read]:
    return [_h11(stream) for stream in streams]


def _h11(stream: bytes) -> Read:
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(stream)
    requests: list[tuple[str, bytes, bytes]] = []
    headers: list[tuple[tuple[bytes, bytes], ...]] = []
    request, body = None, b""
    try:
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                request, body = event, b""
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                assert request is not None
                requests.append((request.method.decode(), origin_form(request.target), body))
                headers.append(tuple(request.headers))
                connection.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
                connection.send(h11.EndOfMessage())
                if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                    return Read(requests, headers, refused=False)
                connection.start_next_cycle()
            else:
                return Read(requests, headers, refused=False)
    except h11.RemoteProtocolError:
        return Read(requests, headers, refused=True)


async def by_uvicorn(streams: Sequence[bytes]) -> list[Read]:
    app = Echo()
    config = Config(app, http="httptools", ws="none", lifespan="off", log_config=None)
    config.load()
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    loop = asyncio.get_running_loop()
    found: list[Read] = []
    for number, stream in enumerate(streams):
        protocol = HttpToolsProtocol(config, ServerState(), {}, loop)
        wire = Wire(protocol=protocol, port=number)
        # One request at a time: it drops those sent ahead when one of them is malformed.
        for start, end in pairwise([0, *borders(stream), len(stream)]):
            if start < end:
                wire.send(stream[start:end])
                await settle()
        refused = b"HTTP/1.1 400 " in wire.received
        wire.reset()
        await settle()
        found.append(_read(app.seen.get(number, []), refused=refused))
    return found


async def by_granian(streams: Sequence[bytes], quiet_s: float = QUIET_S) -> list[Read]:
    app = Echo()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    server = GranianServer(app, listener)
    await server.start()
    try:
        address = listener.getsockname()[:2]
        found: list[Read] = []
        for first in range(0, len(streams), 50):
            batch = streams[first : first + 50]
            found += await asyncio.gather(
                *(_granian(app, address, each, quiet_s) for each in batch)
            )
        return found
    finally:
        await server.stop(hang_up=True)
        listener.detach()  # the server has closed it


async def _granian(app: Echo, address: Any, stream: bytes, quiet_s: float) -> Read:
    reader, writer = await asyncio.open_connection(*address)
    port = writer.get_extra_info("sockname")[1]
    received, ended = b"", False
    with suppress(ConnectionError, TimeoutError):
        writer.write(stream)
        while not ended:
            async with asyncio.timeout(quiet_s):
                part = await reader.read(65_536)
            received += part
            ended = not part
    refused = b"HTTP/1.1 4" in received
    writer.transport.abort()
    return _read(app.seen.pop(port, []), refused=refused)
