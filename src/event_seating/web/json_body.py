"""Request bodies on hot paths: decoded by msgspec, described in the OpenAPI document all the same.

FastAPI's own way costs several times as much. A body that does not fit raises the same
`InvalidRequest` as on pydantic's routes: it names the field's path and says, in the terms of JSON,
what the field takes.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Generic, Protocol, TypeVar

import msgspec
from msgspec import inspect

from event_seating.errors import InvalidRequest, MalformedJson, invalid
from event_seating.web import schemas
from event_seating.web.body import JSON_ALONE

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

NO_EXAMPLES: Final[Mapping[str, Any]] = MappingProxyType({})


class HasBody(Protocol):
    """A request of the framework."""

    async def body(self) -> bytes:
        """All of it."""
        ...


class JsonBody(Generic[T]):
    """Decodes bodies of one type, which forbids unknown fields.

    `patterns` describes in words what each regular expression matches. `examples` are bodies for
    the document, by what they show. `parts` are the types of parts that are decoded separately. A
    body that is not `required` may be left out.
    """

    bytes_max: Final = None
    media_types: Final = JSON_ALONE
    refuses: Final = (InvalidRequest, MalformedJson)

    def __init__(
        self,
        kind: type[T],
        patterns: Mapping[str, str] = NO_PATTERNS,
        examples: Mapping[str, Any] = NO_EXAMPLES,
        parts: Sequence[type] = (),
        *,
        required: bool = True,
    ) -> None:
        self._required = required
        self._kind = kind
        self._parts = parts
        self._examples = examples
        self._patterns = {repr(pattern): sentence for pattern, sentence in patterns.items()}
        self._decoder = msgspec.json.Decoder(kind)

    async def of(self, request: HasBody) -> T:
        """The body of a request; raises `InvalidRequest` or `MalformedJson`."""
        return self.decode(await request.body())

    def decode(self, raw: bytes) -> T:
        """The value in these bytes; raises `InvalidRequest` or `MalformedJson`."""
        try:
            return self._decoder.decode(raw)
        except msgspec.ValidationError as error:
            raise self._invalid(str(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise MalformedJson from None

    def convert(self, value: object) -> T:
        """The value of a part of a body that is decoded already; raises `InvalidRequest`."""
        try:
            return msgspec.convert(value, self._kind)
        except msgspec.ValidationError as error:
            raise self._invalid(str(error)) from None

    def described(self) -> dict[str, Any]:
        """For a route's `openapi_extra`: the body by its schema's name, and that schema."""
        (schema, *_), components = msgspec.json.schema_components(
            [self._kind, *self._parts], ref_template=f"{schemas.REF}{{name}}"
        )
        media = {"schema": schema, "examples": schemas.examples(self._examples)}
        return {
            "requestBody": {"required": self._required, "content": {"application/json": media}},
            schemas.SCHEMAS: _without_defaults(components),
        }

    def _invalid(self, text: str) -> InvalidRequest:
        match = _PATH.match(text)
        assert match is not None
        message, path = match["message"], (match["path"] or "").lstrip(".")
        for pattern, sentence in (
            (_UNKNOWN, "is not a field of this request"),
            (_MISSING, "is missing"),
        ):
            named = pattern.match(message)
            if named:
                path = f"{path}.{named['name']}" if path else named["name"]
                message = sentence
                break
        else:
            message = _in_words(message, path, self._kind, self._patterns)
        return invalid(path[:300] or "body", message[:300])


def _in_words(message: str, path: str, kind: Any, patterns: Mapping[str, str]) -> str:
    """What msgspec says about one field, in words for people."""
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


def _without_defaults(schema: Any) -> Any:
    """The schema with each default as a sentence.

    Generators of clients treat a field with a default as always present. An empty default only says
    that the field may be left out.
    """
    if isinstance(schema, list):
        return [_without_defaults(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {name: _without_defaults(value) for name, value in schema.items() if name != "default"}
    default = schema.get("default")
    if default:
        sentence = f"Left out: `{msgspec.json.encode(default).decode()}`."
        plain["description"] = f"{plain.get('description', '')} {sentence}".strip()
    return plain
