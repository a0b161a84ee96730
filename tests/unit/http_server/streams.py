"""Streams of bytes that a server may get: right, nearly right and wrong; the same for each seed."""

from itertools import pairwise
from random import Random
from typing import Final, NamedTuple

from tests.support.framings import CANARY
from tests.unit.http_server.recorded import HOST, REQUESTS, chunked, sized

SHORT: Final = tuple(each for each in REQUESTS if len(each) < 700)

PARTS: Final = (
    b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b": ", b";", b",", b"\0", b"\xff", b"0", b"1", b"a",
    b"\r\n\r\n", b"\n\n", b"GET / HTTP/1.1\r\n", b"POST / HTTP/1.1\r\n", b"GET / HTTP/1.0\r\n",
    b"Content-Length: ", b"content-length:5\r\n", b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding : chunked\r\n", b"Transfer-Encoding:\tchunked \r\n", b"xchunked",
    b"Connection: close\r\n", b"Expect: 100-continue\r\n", b"Upgrade: websocket\r\n", HOST,
    b"0\r\n\r\n", b"5\r\nhello\r\n", b"5;x=y\r\nhello\r\n", b"00000005\r\nhello\r\n", CANARY,
)  # fmt: skip
"""Of what streams are put together, with borders where readers have disagreed."""

CONFUSED: Final = ((b"\r\n", b"\n"), (b": ", b" :"), (b"1", b"2"), (b"\r\n", b"\r"))
"""What some readers take for something else."""

PIECES_MAX: Final = 4


class Stream(NamedTuple):
    """What a client sends, in pieces."""

    pieces: list[bytes]
    ends: bool
    """Whether the client says that it sends no more."""
    intact: bool
    """Whether it holds whole requests, and `CANARY` in bodies alone."""

    @property
    def whole(self) -> bytes:
        return b"".join(self.pieces)


def streams(seed: int, count: int) -> list[Stream]:
    """So many, of every kind."""
    random = Random(seed)
    return [_stream(random) for _ in range(count)]


def _stream(random: Random) -> Stream:
    kind = random.random()
    intact = kind < 0.25
    if intact:
        sent = _intact(random)
    elif kind < 0.35:
        sent = random.randbytes(random.randrange(1, 60))
    elif kind < 0.55:
        sent = b"".join(random.choices(PARTS, k=random.randrange(1, 20)))
    else:
        sent = b"".join(random.choices(SHORT, k=random.randrange(1, 3)))
        for _ in range(random.randrange(1, 4)):
            sent = _changed(random, sent)
    return Stream(_pieces(random, sent), random.random() < 0.2, intact)


def _intact(random: Random) -> bytes:
    junk = random.randbytes(random.randrange(8))
    body = random.choice((CANARY, b"\r\n\r\n" + CANARY, junk + CANARY, CANARY + b"0\r\n\r\n"))
    method = random.choice((b"POST", b"PUT", b"GET", b"DELETE"))
    if random.random() < 0.5:
        first = sized(method, b"/users", body, b"X-%d: %d" % (len(junk), random.randrange(99)))
    else:
        first = chunked(method, b"/users", body, size=random.randrange(1, 60))
    return first + random.choice((b"", first, first[: random.randrange(len(first))]))


def _changed(random: Random, sent: bytes) -> bytes:
    """The stream with one change."""
    at = random.randrange(len(sent) + 1)
    to = min(len(sent), at + random.randrange(1, 12))
    before, after = sent[:at], sent[at:]
    match random.randrange(7):
        case 0:
            octet = (after or b"\0")[0] ^ (1 << random.randrange(8))
            after = bytes((octet,)) + after[1:]
        case 1:
            after = sent[to:]
        case 2:
            before = sent[:to]
        case 3:
            after = b""
        case 4:
            before += random.randbytes(1)
        case 5:
            after = after.replace(*random.choice(CONFUSED), 1)
        case _:
            before += random.choice(PARTS)
    return before + after


def _pieces(random: Random, sent: bytes) -> list[bytes]:
    if not sent:
        return [sent]
    cuts = sorted(random.randrange(len(sent)) for _ in range(random.randrange(PIECES_MAX)))
    ends = [0, *cuts, len(sent)]
    return [sent[start:end] for start, end in pairwise(ends) if start < end]
