"""Request bodies on hot paths: decoded by msgspec, described in the OpenAPI document all the same.

FastAPI's own way costs several times as much. A body that does not fit is the same
`InvalidRequest` that pydantic's routes answer, with the field's path.
"""

import re
from typing import Any, Final, Generic, TypeVar

import msgspec
from fastapi import Request

from event_seating.errors import InvalidRequest, MalformedJson

T = TypeVar("T")

_PATH: Final = re.compile(
    r"(?P<message>.*?)(?: - at `(?:key in )?\$(?P<path>[^`]*)`)?\Z", re.DOTALL
)
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(?P<name>.*)`\Z", re.DOTALL)
_MISSING: Final = re.compile(r"Object missing required field `(?P<name>.*)`\Z", re.DOTALL)


class JsonBody(Generic[T]):
    """Decodes bodies of one type, which forbids unknown fields."""

    def __init__(self, kind: type[T]) -> None:
        self._kind = kind
        self._decoder = msgspec.json.Decoder(kind)

    async def of(self, request: Request) -> T:
        """The body of a request; raises `InvalidRequest` or `MalformedJson`."""
        return self.decode(await request.body())

    def decode(self, raw: bytes) -> T:
        """The value that these bytes are; raises `InvalidRequest` or `MalformedJson`."""
        try:
            return self._decoder.decode(raw)
        except msgspec.ValidationError as error:
            raise _invalid(str(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise MalformedJson from None

    def described(self) -> dict[str, Any]:
        """For a route's `openapi_extra`."""
        schema, components = msgspec.json.schema_components(
            [self._kind], ref_template="#/components/schemas/{name}"
        )
        return {
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": _inlined(schema[0], components)}},
            }
        }


def invalid(field: str, message: str) -> InvalidRequest:
    """The error that names one field."""
    return InvalidRequest(
        f"{field}: {message}", details={"fields": [{"field": field, "message": message}]}
    )


def _invalid(text: str) -> InvalidRequest:
    match = _PATH.match(text)
    assert match is not None
    message, path = match["message"], (match["path"] or "").lstrip(".")
    for pattern, told in ((_UNKNOWN, "is not a field of this request"), (_MISSING, "is missing")):
        named = pattern.match(message)
        if named:
            path = f"{path}.{named['name']}" if path else named["name"]
            message = told
            break
    return invalid(path[:300] or "body", message[:300])


def _inlined(schema: Any, components: dict[str, Any]) -> Any:
    """The schema with every reference replaced by what it refers to."""
    if isinstance(schema, dict):
        reference = schema.get("$ref")
        if isinstance(reference, str):
            return _inlined(components[reference.rpartition("/")[2]], components)
        return {name: _inlined(value, components) for name, value in schema.items()}
    if isinstance(schema, list):
        return [_inlined(value, components) for value in schema]
    return schema
