"""The responses in the bytes that a client received, read by the letter."""

from typing import Final, NamedTuple

ONCE: Final = (b"connection", b"content-length", b"date", b"transfer-encoding")


class Response(NamedTuple):
    """A response as a client reads it."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes


def responses(received: bytes, *, heads: tuple[int, ...] = ()) -> list[Response]:
    """The responses that were received, read by the letter; `heads` are those without a body.

    Raises `AssertionError` for bytes that are no response, or for one that is not complete.
    """
    found: list[Response] = []
    at = 0
    while at < len(received):
        end = received.find(b"\r\n\r\n", at)
        assert end >= 0, f"no whole head: {received[at:]!r}"
        first, *lines = received[at:end].split(b"\r\n")
        version, status, _phrase = first.split(b" ", 2)
        assert version == b"HTTP/1.1", first
        assert len(status) == 3, first
        assert not any(b"\r" in line or b"\n" in line for line in lines)
        pairs = [line.split(b": ", 1) for line in lines]
        names = [name.lower() for name, _ in pairs]
        for name in ONCE:
            assert names.count(name) <= 1, f"a header comes twice: {lines}"
        headers = {
            name: b", ".join(
                value for each, (_, value) in zip(names, pairs, strict=True) if each == name
            )
            for name in names
        }
        at = end + 4
        body, at = _body(received, at, int(status), headers, head=len(found) in heads)
        if int(status) >= 200:
            found.append(Response(int(status), headers, body))
    return found


def _body(
    received: bytes, at: int, status: int, headers: dict[bytes, bytes], *, head: bool
) -> tuple[bytes, int]:
    if head or status in {204, 304} or status < 200:
        return b"", at
    if b"transfer-encoding" in headers:
        assert b"content-length" not in headers
        return _chunks(received, at)
    if b"content-length" not in headers:
        assert headers[b"connection"] == b"close"
        return received[at:], len(received)
    end = at + int(headers[b"content-length"])
    assert end <= len(received), "the response broke off"
    return received[at:end], end


def _chunks(received: bytes, at: int) -> tuple[bytes, int]:
    parts: list[bytes] = []
    while True:
        end = received.index(b"\r\n", at)
        size = int(received[at:end], 16)
        part = received[end + 2 : end + 2 + size]
        assert len(part) == size, "the response broke off"
        assert received[end + 2 + size : end + 4 + size] == b"\r\n"
        at = end + 4 + size
        if not size:
            return b"".join(parts), at
        parts.append(part)
