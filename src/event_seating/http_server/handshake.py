"""The opening handshake of a WebSocket (RFC 6455, section 4.2): what a request has to hold.

Owns the rules for its headers and the key of the answer. It never reads or writes a request, and
offers neither extensions (compression keeps a window for each connection) nor subprotocols.
"""

import re
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha1
from http import HTTPStatus
from typing import Final

from event_seating.http_server.asgi import Header
from event_seating.http_server.heads import HttpRefused

VERSION: Final = b"13"
"""The version of the protocol, the only one that was ever a standard."""

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY: Final = re.compile(rb"[A-Za-z0-9+/]{22}==")
"""16 bytes in base64."""


class BadHandshake(HttpRefused):
    """A request that cannot become a WebSocket."""

    def __init__(self, status: int, sentence: str, headers: tuple[Header, ...] = ()) -> None:
        code = "upgrade_required" if status == HTTPStatus.UPGRADE_REQUIRED else "malformed_request"
        super().__init__(status, code, sentence, headers)


def check_handshake(fields: Iterable[Header]) -> None:
    """Raise `BadHandshake` unless these headers, with names in lower case, ask for a WebSocket.

    That the request is a GET of HTTP/1.1 with a `Host` is the caller's to know.
    """
    headers: dict[bytes, bytes] = {}
    for name, value in fields:  # several of one name are a list
        headers[name] = headers[name] + b", " + value if name in headers else value
    if not has_token(headers.get(b"upgrade", b""), b"websocket"):
        raise BadHandshake(400, "`Upgrade` does not name `websocket`.")
    if not has_token(headers.get(b"connection", b""), b"upgrade"):
        raise BadHandshake(400, "`Connection` does not name `upgrade`.")
    if headers.get(b"sec-websocket-version") != VERSION:
        raise BadHandshake(
            426,
            "`Sec-WebSocket-Version` must be 13.",
            ((b"sec-websocket-version", VERSION),),
        )
    if not _KEY.fullmatch(headers.get(b"sec-websocket-key", b"")):
        raise BadHandshake(400, "`Sec-WebSocket-Key` must be 16 bytes in base64.")


def has_token(header: bytes, token: bytes) -> bool:
    """Whether a header that is a list of tokens names this one, which is in lower case."""
    return token in (part.strip(b" \t") for part in header.lower().split(b","))


def accept_key(key: bytes) -> bytes:
    """The `Sec-WebSocket-Accept` of the answer to a `Sec-WebSocket-Key`."""
    return b64encode(sha1(key + _GUID, usedforsecurity=False).digest())
