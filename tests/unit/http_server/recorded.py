"""Two hundred requests, of every kind that a connection tells apart, made of a few parts."""

from collections.abc import Iterator
from typing import Final

from tests.support.framings import CANARY

HOST: Final = b"Host: localhost\r\n"
METHODS: Final = (b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"BREW")

BODIES: Final = (b"", b"x", b'{"id":"u1"}', CANARY, b"\r\n0\r\n\r\n" + CANARY, bytes(range(256)))

TARGETS: Final = (b"/", b"/users/1?a=b", b"/ready", b"http://other.example/a?b", b"*", b"/a%20b")

HANDSHAKE: Final = (
    b"GET /live HTTP/1.1\r\n" + HOST + b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)

MALFORMED: Final = (
    b"hello\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET /\r\n\r\n",
    b"GET / HTTP/1.1\nHost: localhost\n\n",
    b"GET  / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    b"GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n",
    b"GET / HTTP/1.1\r\nA: b\rc\r\n\r\n",
    b"GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n",
    b"GET / HTTP/1.1\r\nA: \x00\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
    b"POST / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\nx",
    b"POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\nx",
    b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b\r\nx\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\n0\n\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: trailer\r\n\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nExpect: a miracle\r\nContent-Length: 1\r\n\r\nx",
    b"GET ftp://a/ HTTP/1.1\r\n\r\n",
    b"GET /" + b"a" * 8_193 + b" HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 101 + b"\r\n",
    HANDSHAKE.replace(b": 13", b": 8"),
    HANDSHAKE.replace(b"==", b"="),
)


def sized(method: bytes, target: bytes, body: bytes, *lines: bytes) -> bytes:
    return b"%b %b HTTP/1.1\r\n%bContent-Length: %d\r\n%b\r\n%b" % (
        method, target, HOST, len(body), b"".join(line + b"\r\n" for line in lines), body,
    )  # fmt: skip


def chunked(method: bytes, target: bytes, body: bytes, *, size: int = 7) -> bytes:
    head = b"%b %b HTTP/1.1\r\n%bTransfer-Encoding: chunked\r\n\r\n" % (method, target, HOST)
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return head + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def plain(method: bytes, target: bytes, *lines: bytes, minor: int = 1) -> bytes:
    every = b"".join(line + b"\r\n" for line in lines)
    return b"%b %b HTTP/1.%d\r\n%b%b\r\n" % (method, target, minor, HOST, every)


READY: Final = plain(b"GET", b"/ready")
USUAL: Final = plain(b"GET", b"/usual")
"""For `EchoAtOnce`: what it answers at once, and what it does not."""


def _made() -> Iterator[bytes]:
    for method in METHODS:
        for target in TARGETS:
            yield plain(method, target)
        for body in BODIES:
            yield sized(method, b"/users", body)
            yield chunked(method, b"/users", body)
    for line in (b"Connection: close", b"Connection: keep-alive", b"Accept: \t*/*  ", b"X-Empty:"):
        yield plain(b"GET", b"/ready", line)
        yield plain(b"GET", b"/users", line)
        yield plain(b"GET", b"/users", line, minor=0)
    for body in (b"", b"welcome"):
        yield sized(b"POST", b"/users", body, b"Expect: 100-continue")
    yield HANDSHAKE
    yield HANDSHAKE.replace(b"GET", b"POST")
    yield plain(b"GET", b"/", b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c")
    for first in (plain(b"GET", b"/ready"), sized(b"POST", b"/", CANARY), HANDSHAKE):
        for then in (plain(b"HEAD", b"/ready"), chunked(b"PUT", b"/", CANARY), HANDSHAKE):
            yield first + then + plain(b"GET", b"/last", b"Connection: close") + CANARY
    yield from MALFORMED
    for refused in MALFORMED[3:9]:
        yield plain(b"GET", b"/ready") + sized(b"POST", b"/", CANARY) + refused + CANARY


REQUESTS: Final = tuple(_made())
