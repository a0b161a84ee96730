"""Request bodies on hot paths: decoded by msgspec, described in the OpenAPI document all the same.

FastAPI's own way costs several times as much. A body that does not fit is the same
`InvalidRequest` that pydantic's routes answer, with the field's path and, in the words of whoever
sent it, what the field takes.
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar

import msgspec
from fastapi import Request
from msgspec import inspect

from event_seating.errors import InvalidRequest, MalformedJson

T = TypeVar("T")

_PATH: Final = re.compile(
    r"(?P<message>.*?)(?: - at `(?:key in )?\$(?P<path>[^`]*)`)?\Z", re.DOTALL
)
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(?P<name>.*)`\Z", re.DOTALL)
_MISSING: Final = re.compile(r"Object missing required field `(?P<name>.*)`\Z", re.DOTALL)

_RANGE: Final = re.compile(r"Expected `(?:int|float)` (?P<bound>[<>]=) (?P<limit>\S+)\Z")
_LENGTH: Final = re.compile(r"Expected `(?P<type>\w+)` of length (?P<bound>[<>]=) (?P<limit>\d+)\Z")
_TYPE: Final = re.compile(r"Expected `(?P<taken>[a-z |]+)`, got `(?P<sent>[a-z]+)`\Z")
_REGEX: Final = re.compile(r"Expected `str` matching regex (?P<pattern>.*)\Z", re.DOTALL)
_ENUM: Final = re.compile(r"Invalid enum value (?P<value>.*)\Z", re.DOTALL)

_BOUNDS: Final = {">=": "at least", "<=": "at most"}
_COUNTED: Final = {"str": "characters", "array": "items", "object": "fields"}
_TYPES: Final = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}

NO_PATTERNS: Final[Mapping[str, str]] = MappingProxyType({})


class JsonBody(Generic[T]):
    """Decodes bodies of one type, which forbids unknown fields.

    `patterns` says of each regular expression in it what a text must be to match.
    """

    def __init__(self, kind: type[T], patterns: Mapping[str, str] = NO_PATTERNS) -> None:
        self._kind = kind
        self._patterns = {repr(pattern): told for pattern, told in patterns.items()}
        self._decoder = msgspec.json.Decoder(kind)

    async def of(self, request: Request) -> T:
        """The body of a request; raises `InvalidRequest` or `MalformedJson`."""
        return self.decode(await request.body())

    def decode(self, raw: bytes) -> T:
        """The value that these bytes are; raises `InvalidRequest` or `MalformedJson`."""
        try:
            return self._decoder.decode(raw)
        except msgspec.ValidationError as error:
            raise self._invalid(str(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise MalformedJson from None

    def convert(self, value: object) -> T:
        """The value that a part of a body is, decoded already; raises `InvalidRequest`."""
        try:
            return msgspec.convert(value, self._kind)
        except msgspec.ValidationError as error:
            raise self._invalid(str(error)) from None

    def schema(self) -> Any:
        """The JSON schema, with nothing in it that is elsewhere."""
        schema, components = msgspec.json.schema_components(
            [self._kind], ref_template="#/components/schemas/{name}"
        )
        return _inlined(schema[0], components)

    def described(self) -> dict[str, Any]:
        """For a route's `openapi_extra`."""
        return {
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": self.schema()}},
            }
        }

    def _invalid(self, text: str) -> InvalidRequest:
        match = _PATH.match(text)
        assert match is not None
        message, path = match["message"], (match["path"] or "").lstrip(".")
        for pattern, told in (
            (_UNKNOWN, "is not a field of this request"),
            (_MISSING, "is missing"),
        ):
            named = pattern.match(message)
            if named:
                path = f"{path}.{named['name']}" if path else named["name"]
                message = told
                break
        else:
            message = _in_words(message, path, self._kind, self._patterns)
        return invalid(path[:300] or "body", message[:300])


def invalid(field: str, message: str) -> InvalidRequest:
    """The error that names one field."""
    return InvalidRequest.naming([(field, message)])


def _in_words(message: str, path: str, kind: Any, patterns: Mapping[str, str]) -> str:
    """What msgspec says of one field, as a person would say it."""
    match = _RANGE.match(message)
    if match:
        return f"must be {_BOUNDS[match['bound']]} {match['limit']}"
    match = _LENGTH.match(message)
    if match and match["type"] in _COUNTED:
        limit, counted = match["limit"], _COUNTED[match["type"]]
        return (
            "must not be empty"
            if (match["bound"], limit) == (">=", "1")
            else f"must have {_BOUNDS[match['bound']]} {limit} {counted}"
        )
    match = _TYPE.match(message)
    if match:
        taken = " or ".join(_TYPES.get(name, name) for name in match["taken"].split(" | "))
        return f"must be {taken}, not {_TYPES.get(match['sent'], match['sent'])}"
    match = _REGEX.match(message)
    if match:
        return patterns.get(match["pattern"], message)
    match = _ENUM.match(message)
    values = _values(kind, path.split(".")) if match else ()
    return f"must be one of {', '.join(map(str, values))}" if values else message


def _values(kind: Any, path: Iterable[str]) -> Iterable[object]:
    """The values that the field at this path takes, if they are a few."""
    found: Any = inspect.type_info(kind)
    for part in path:
        name, *inner = part.split("[")
        found = _field(found, name)
        for _ in inner:
            found = getattr(found, "item_type", None) or getattr(found, "value_type", None)
    for each in getattr(found, "types", (found,)):
        if isinstance(each, inspect.EnumType):
            return [member.value for member in each.cls]
        if isinstance(each, inspect.LiteralType):
            return each.values
    return ()


def _field(kind: Any, name: str) -> Any:
    for each in getattr(kind, "types", (kind,)):
        for field in getattr(each, "fields", ()):
            if field.encode_name == name:
                return field.type
    return None


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
