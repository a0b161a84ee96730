"""Holds every answer that a test gets against the OpenAPI document: its status, body and refusal.

The document lets an object have more fields than it names, so that clients let them pass. Here it
may not: a field that is answered and stands nowhere is a fault.
"""

import gzip
import json
import re
from functools import cache
from typing import Any, NamedTuple

import jsonschema_rs

from event_seating.composition import http_app
from event_seating.composition.server_services import ServerServices
from event_seating.http_server.asgi import App, Message, Receive, Scope, Send
from event_seating.web import openapi, problem, schemas

BYTES_MAX = 1024 * 1024
"""Longer bodies are seat maps and snapshots, which have tests of their own."""

UNKNOWN = {"not_found", "method_not_allowed"}
"""Where no route answers."""


class Operation(NamedTuple):
    """A call of the document."""

    name: str
    pattern: re.Pattern[str]
    described: dict[str, Any]


class Document:
    """The document, and what it says of answers."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content
        self._strict = json.dumps({"components": {"schemas": _closed(schemas_of(content))}})
        self.operations = [
            Operation(f"{method.upper()} {path}", pattern(path), operation)
            for path, operations in sorted(content["paths"].items(), key=_literal_first)
            for method, operation in operations.items()
        ]
        self._validator = cache(self._compiled)

    def operation(self, method: str, path: str) -> Operation | None:
        """The operation that answers this call."""
        for each in self.operations:
            if each.name.startswith(f"{method} ") and each.pattern.fullmatch(path):
                return each
        return None

    def codes(self, operation: Operation) -> set[str]:
        """What it refuses."""
        responses = operation.described["responses"].values()
        return {code for each in responses for code in each.get(problem.CODES, ())}

    def check(self, method: str, path: str, answer: "Answered") -> None:
        """Raise unless the document says that this call may be answered like this."""
        operation = self.operation(method, path)
        if operation is None:
            return
        name, media_type = operation.name, answer.media_type
        refused = answer.status >= 400 and media_type == "application/json"
        code = answer.json().get("code") if refused else None
        if code in UNKNOWN:
            return
        response = operation.described["responses"].get(str(answer.status))
        assert response is not None, f"{name} does not declare {answer.status} {code or ''}"
        if code is not None:
            declared = response.get(problem.CODES, ())
            assert code in declared, f"{name} does not declare its refusal {code}"
        content = response.get("content", {})
        if not answer.body:
            return
        assert media_type in content, f"{name} does not declare {answer.status} {media_type}"
        if schemas.LINE in content[media_type]:
            for line in answer.body.splitlines():
                self.validate(content[media_type][schemas.LINE], json.loads(line), name)
        elif media_type == "application/json":
            self.validate(content[media_type]["schema"], answer.json(), name)

    def validate(self, schema: dict[str, Any], value: Any, name: str = "") -> None:
        """Raise unless the value is as a schema of the document says, and has no other field."""
        errors = list(self._validator(json.dumps(schema)).iter_errors(value))
        assert not errors, f"{name}: {errors[0].message} at {errors[0].instance_path}"

    def _compiled(self, schema: str) -> Any:
        whole = json.loads(self._strict) | json.loads(schema)
        return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


class Answered(NamedTuple):
    """An answer as it went out."""

    status: int
    media_type: str
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Checked:
    """An ASGI app that raises when another answers what the document does not say."""

    def __init__(self, inner: App, document: Document) -> None:
        self._inner = inner
        self._document = document

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in {"HEAD", "OPTIONS"}:
            await self._inner(scope, receive, send)
            return
        sent: list[Message] = []

        async def noted(message: Message) -> None:
            sent.append(message)
            await send(message)

        await self._inner(scope, receive, noted)
        if sent and not sent[-1].get("more_body"):
            answer = _answered(sent)
            if len(answer.body) <= BYTES_MAX:
                self._document.check(scope["method"], scope["path"], answer)


def document_of(parts: ServerServices) -> Document:
    """The document of the service; it is the same for all of them."""
    if not _MADE:
        _MADE.append(Document(openapi.document(*http_app.api(parts))))
    return _MADE[0]


_MADE: list[Document] = []


def schemas_of(content: dict[str, Any]) -> dict[str, Any]:
    """Its schemas by name."""
    return dict(content["components"]["schemas"])


def _answered(sent: list[Message]) -> Answered:
    headers = dict(sent[0]["headers"])
    body = b"".join(message.get("body", b"") for message in sent[1:])
    if headers.get(b"content-encoding") == b"gzip" and body:
        body = gzip.decompress(body)
    media_type = headers.get(b"content-type", b"").decode().partition(";")[0]
    return Answered(sent[0]["status"], media_type, body)


def _closed(schema: Any) -> Any:
    """The schema with no room for fields that it does not name."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(value) for name, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed


def pattern(path: str) -> re.Pattern[str]:
    """What the paths of this template match."""
    # The id of a seat may have a slash.
    return re.compile(re.sub(r"{\w+}", "[^/]+", path.replace("{seat}", ".+")))


def _literal_first(item: tuple[str, Any]) -> tuple[int, str]:
    return item[0].count("{"), item[0]
