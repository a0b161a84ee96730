"""What the application learns of a request: its scope, as ASGI has it."""

from typing import Final
from urllib.parse import unquote

from event_seating.http_server import heads
from event_seating.http_server.asgi import Header, Scope

_ASGI: Final = {"version": "3.0", "spec_version": "2.3"}


def scope_of(method: bytes, target: bytes, minor: bytes, fields: list[Header]) -> Scope:
    """The scope of an HTTP/1.`minor` request, but for the two ends of its connection.

    Raises `HttpRefused` for a target that is none.
    """
    raw_path, query, authority = heads.split_target(target)
    path = raw_path.decode("ascii")
    return {
        "type": "http",
        "asgi": _ASGI,
        "http_version": "1.1" if minor == b"1" else "1.0",
        "method": heads.METHOD_NAMES.get(method) or method.decode("ascii"),
        "scheme": "http",
        "path": unquote(path) if "%" in path else path,
        "raw_path": raw_path,
        "query_string": query,
        "root_path": "",
        "headers": _headers_of(fields, authority),
    }


def _headers_of(fields: list[Header], authority: bytes | None) -> list[Header]:
    """The headers of a scope; an authority in the target replaces the value of `Host`.

    Two of them stay two, which is for the application to refuse.
    """
    if authority is None:
        return [*fields]
    host = (b"host", authority)
    if not any(name == b"host" for name, _ in fields):
        return [host, *fields]
    return [host if field[0] == b"host" else field for field in fields]
