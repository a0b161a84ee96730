"""What became of a stream of bytes, by the connection and by the reference, in one form."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from tests.support.responses import Response, responses
from tests.support.wire import Wire, WireServer, settle
from tests.unit.http_server import reference
from tests.unit.http_server.echo import Echo, EchoAtOnce, Seen
from tests.unit.http_server.reference import BEGUN, CLOSED, OPEN, Asked

REFUSALS: Final = frozenset({400, 414, 417, 426, 431})
"""With what a connection refuses a request by itself."""


NO_ANSWER: Final = "500"
"""What `Echo` gives to a client that went away within a body."""


class Outcome(NamedTuple):
    """What a client sees of its connection, and what the application sees of the client."""

    seen: tuple[Seen, ...]
    statuses: tuple[int, ...]
    end: str
    """As of `reference.Reading`."""


def expected(sent: bytes, *, ends: bool = False) -> Outcome:
    """By the reference; `ends` says that the client sends no more."""
    requests, end = reference.read(sent)
    statuses = [404 if each.websocket else 200 for each in requests if each.body is not None]
    half_a_body = end == BEGUN and bool(requests) and requests[-1].body is None
    if ends and end == BEGUN:
        end = NO_ANSWER if half_a_body else "400"
    elif ends and end == OPEN:
        end = CLOSED
    elif half_a_body:  # `Echo` has not seen it yet
        requests.pop()
    if end.isdigit():
        statuses.append(int(end))
    return Outcome(
        tuple(map(_seen, requests)), tuple(statuses), CLOSED if end == NO_ANSWER else end
    )


def _seen(asked: Asked) -> Seen:
    version = "1.1" if asked.minor == b"1" else "1.0"
    return Seen(asked.method.decode(), asked.target, version, asked.headers, asked.body)


async def outcomes(
    streams: Sequence[Sequence[bytes]], *, at_once: bool, ends: Collection[int] = ()
) -> list[Outcome]:
    """By the connection: each stream comes in these pieces, on a connection of its own.

    After those whose numbers are in `ends` the client sends no more.
    """
    app = EchoAtOnce() if at_once else Echo()
    server = WireServer(app)
    faults: list[str] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _loop, context: faults.append(str(context))
    )
    wires = [Wire(server, port=port) for port in range(len(streams))]
    for number in range(max(map(len, streams))):
        for wire, pieces in zip(wires, streams, strict=True):
            if number < len(pieces):
                wire.send(pieces[number])
        await settle()
    for number in ends:
        wires[number].send_eof()
    await settle()
    found = [
        _outcome(wire, app.seen.get(port, []), b"".join(streams[port]))
        for port, wire in enumerate(wires)
    ]
    assert faults == []
    assert server.reports.crashes == []
    await _clear(server, wires)
    return found


async def _clear(server: WireServer, wires: list[Wire]) -> None:
    for wire in wires:
        wire.reset()
    await settle()
    assert not server.open
    assert not server._by_client


def _outcome(wire: Wire, seen: list[Seen], sent: bytes) -> Outcome:
    assert wire.misused == []
    heads = [number for number, each in enumerate(seen) if each.method == "HEAD"]
    if b"HEAD " in sent and sent.startswith(b"HEAD ", max(reference.borders(sent), default=0)):
        heads.append(len(seen))  # if it is refused before the application sees it
    answered = responses(bytes(wire.received), heads=tuple(heads))
    return Outcome(tuple(seen), tuple(each.status for each in answered), _end(wire, answered))


def _end(wire: Wire, answered: list[Response]) -> str:
    if answered and answered[-1].status in REFUSALS:
        assert wire.ended, "a refusal is the last response"
        return str(answered[-1].status)
    if wire.ended:
        return CLOSED
    connection = wire.connection
    waits = connection.idle and not connection._partial
    return OPEN if waits else BEGUN
