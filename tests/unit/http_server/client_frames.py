"""Frames as a client sends them, right and wrong ones."""

from itertools import cycle
from typing import Final

from event_seating.http_server import frames

MASK: Final = b"\x37\xfa\x21\x3d"
"""The one of the RFC's examples."""

FINAL: Final = 0x80


def client_frame(
    opcode: int,
    payload: bytes = b"",
    *,
    final: bool = True,
    reserved: int = 0,
    mask: bytes | None = MASK,
    length_size: int | None = None,
) -> bytes:
    """One frame, its length in the two first bytes or in `length_size` more: 0, 2 or 8."""
    size = len(payload)
    if length_size is None:
        length_size = 0 if size < 126 else 2 if size < 65_536 else 8
    first = (FINAL if final else 0) | reserved << 4 | opcode
    second = {0: size, 2: 126, 8: 127}[length_size]
    header = bytes((first, second | (0 if mask is None else 0x80)))
    header += size.to_bytes(length_size) if length_size else b""
    if mask is None:
        return header + payload
    return (
        header + mask + bytes(byte ^ key for byte, key in zip(payload, cycle(mask), strict=False))
    )


def text(payload: bytes | str, *, final: bool = True) -> bytes:
    encoded = payload.encode() if isinstance(payload, str) else payload
    return client_frame(frames.TEXT, encoded, final=final)


def continuation(payload: bytes | str, *, final: bool = True) -> bytes:
    encoded = payload.encode() if isinstance(payload, str) else payload
    return client_frame(frames.CONTINUATION, encoded, final=final)


def ping(payload: bytes = b"") -> bytes:
    return client_frame(frames.PING, payload)


def pong(payload: bytes = b"") -> bytes:
    return client_frame(frames.PONG, payload)


def close(code: int | None = None, reason: bytes = b"") -> bytes:
    return client_frame(frames.CLOSE, (b"" if code is None else code.to_bytes(2)) + reason)
