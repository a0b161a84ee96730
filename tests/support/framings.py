"""Requests whose length proxies and servers have disagreed about, each with a request in its body.

Whoever reads `CANARY` as a request has ended the one before it too early. A proxy that saw it as a
request says so: it adds `X-Forwarded-For`, which the canary itself has not.
"""

from typing import Final

CANARY: Final = b"GET /canary HTTP/1.1\r\nHost: localhost\r\n\r\n"
SIZE: Final = b"%d" % len(CANARY)
HEXADECIMAL: Final = b"%x" % len(CANARY)

CHUNKED: Final = HEXADECIMAL + b"\r\n" + CANARY + b"\r\n0\r\n\r\n"
ENDS_EARLY: Final = b"0\r\n\r\n" + CANARY
"""As chunks, the canary comes after the end; as bytes, it is in the body."""

_CODINGS: Final = (
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: CHUNKED",
    b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding: x chunked",
    b"Transfer-Encoding : chunked",
    b"Transfer-Encoding:chunked",
    b"Transfer-Encoding:\tchunked",
    b"Transfer-Encoding:\x0bchunked",
    b"Transfer-Encoding: \x00chunked",
    b"Transfer-Encoding: chunked\x0b",
    b"Transfer-Encoding: 'chunked'",
    b'Transfer-Encoding: "chunked"',
    b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding: identity, chunked",
    b"Transfer-Encoding: identity",
    b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: chunked, chunked",
    b"Transfer-Encoding: chunked;q=1",
    b"Transfer-Encoding:",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: x\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding:\r\n chunked",
    b"Transfer-Encoding\r\n : chunked",
    b" Transfer-Encoding: chunked",
    b"X: y\nTransfer-Encoding: chunked",
    b"X: y\rTransfer-Encoding: chunked",
    b"X: y\r\n\tTransfer-Encoding: chunked",
    b"\x00Transfer-Encoding: chunked",
    b"Transfer_Encoding: chunked",
    b"Transfer-Encoding\x00: chunked",
    b"Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked",
    b"TE: trailers\r\nTransfer-Encoding: chunked",
)

_LENGTHS: Final = (
    b"Content-Length: +%b",
    b"Content-Length: -%b",
    b"Content-Length: 0%b",
    b"Content-Length: 0x%b",
    b"Content-Length: %b, %b",
    b"Content-Length: %b,0",
    b"Content-Length: 0,%b",
    b"Content-Length: %b\x0b",
    b"Content-Length: %b 1",
    b"Content-Length: %b_0",
    b"Content-Length: %b.0",
    b"Content-Length : %b",
    b"Content-Length:%b",
    b"Content-Length: %b\r\nContent-Length: %b",
    b"Content-Length: %b\r\nContent-Length: 0",
    b"Content-Length: 0\r\nContent-Length: %b",
    b"Content-Length: 0\r\ncontent-length: %b",
    b"Content-Length:\r\n %b",
    b"Content_Length: %b",
    b"Content-Length\x00: %b",
    b"X: y\nContent-Length: %b",
    b"X: y\rContent-Length: %b",
    b"Connection: Content-Length\r\nContent-Length: %b",
    b"Connection: close, Content-Length\r\nContent-Length: %b",
    b"Connection: Host\r\nContent-Length: %b",
    b"Expect: 100-continue\r\nContent-Length: %b",
    b"Expect: x\r\nContent-Length: %b",
    b"Upgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: %b",
    (
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nContent-Length: %b"
    ),
    b"Content-Length: 99999999999999999999\r\nX: %b",
    b"Content-Length: 18446744073709551616%b",
)

_CHUNKS: Final = (
    CHUNKED,
    b"0" + CHUNKED,
    b"000000000" + CHUNKED,
    b"0x" + CHUNKED,
    b"+" + CHUNKED,
    b" " + CHUNKED,
    b"\n" + CHUNKED,
    HEXADECIMAL + b" \r\n" + CANARY + b"\r\n0\r\n\r\n",
    HEXADECIMAL + b"\n" + CANARY + b"\n0\n\n",
    HEXADECIMAL + b"\r" + CANARY + b"\r\n0\r\n\r\n",
    HEXADECIMAL + b";a=b\r\n" + CANARY + b"\r\n0\r\n\r\n",
    HEXADECIMAL + b";a=\n" + CANARY + b"\r\n0\r\n\r\n",
    HEXADECIMAL + b';a="\r\n0\r\n\r\n"\r\n' + CANARY + b"\r\n0\r\n\r\n",
    b"1" + b"0" * 16 + HEXADECIMAL + b"\r\n" + CANARY + b"\r\n0\r\n\r\n",
    b"1\r\nxy\r\n0\r\n\r\n" + CANARY,
    b"2\r\nx\r\n0\r\n\r\n" + CANARY,
    b"0\r\n" + CANARY,
    b"0\n\n" + CANARY,
    b"0\r\n\n" + CANARY,
    b"0\r\r\n\r\n" + CANARY,
    b"0\r\nX: trailer\r\n\r\n" + CANARY,
    b"0\r\nContent-Length: %b\r\n\r\n" % SIZE + CANARY,
    b"0;\r\n\r\n" + CANARY,
    b"-0\r\n\r\n" + CANARY,
    b"\r\n" + ENDS_EARLY,
    ENDS_EARLY,
)


def _request(
    method: bytes, path: bytes, line: bytes, body: bytes, version: bytes = b"1.1"
) -> bytes:
    head = b"%b %b HTTP/%b\r\nHost: localhost\r\n%b\r\n\r\n" % (method, path, version, line)
    return head + body


def _all() -> tuple[bytes, ...]:
    found: list[bytes] = []
    length = b"Content-Length: %b\r\n"
    for path in (b"/users", b"/early"):
        for coding in _CODINGS:
            found += [
                _request(b"POST", path, coding, ENDS_EARLY),
                _request(b"POST", path, coding, CHUNKED),
                _request(b"POST", path, length % (b"%d" % len(ENDS_EARLY)) + coding, ENDS_EARLY),
                _request(b"POST", path, coding + b"\r\n" + length[:-2] % b"4", CHUNKED),
            ]
        for line in _LENGTHS:
            filled = line.replace(b"%b", SIZE)
            found += [_request(method, path, filled, CANARY) for method in (b"GET", b"POST")]
        chunked = b"Transfer-Encoding: chunked"
        found += [_request(b"POST", path, chunked, body) for body in _CHUNKS]
        found += [_request(b"HEAD", path, chunked, body) for body in _CHUNKS[:2]]
        found += [
            _request(b"POST", path, chunked, ENDS_EARLY, b"1.0"),
            _request(b"POST", path, length[:-2] % SIZE, CANARY, b"1.0"),
            _request(b"GET", path, b"X: y", CANARY, b"0.9"),
            _request(b"GET", path, b"X: y", CANARY, b"2.0"),
        ]
    return tuple(found)


FRAMINGS: Final = _all()
