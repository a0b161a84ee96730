"""The OpenAPI document: what every route takes, answers and refuses, with named schemas.

FastAPI describes answers and parameters; `JsonBody` describes the bodies that msgspec decodes, and
brings their schemas along under `SCHEMAS`; `problem.documented` says what a route refuses. This is
where they become one document, with the refusals that the edge gives on a route's behalf. It is
made when it is first asked for; nothing here is used while another request is answered.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from event_seating.errors import (
    BodyTooLarge,
    BodyTooSlow,
    DatabaseUnavailable,
    Draining,
    Forbidden,
    InvalidRequest,
    RateLimited,
    ServiceError,
    TooBusy,
    Unauthorized,
    UnsupportedMediaType,
)
from event_seating.web import problem
from event_seating.web.endpoints import Budget, Endpoint
from event_seating.web.errors import (
    AddressTooLong,
    HeadTooLarge,
    MisdirectedRequest,
    TooManyWrongKeys,
)
from event_seating.web.roles import Role
from event_seating.web.schemas import REF, SCHEMAS

SERVERS: Final = ({"url": "/", "description": "The server that this document is read from."},)
"""The server does not know under which name its readers reach it, so the URL is relative."""

_FASTAPIS_OWN: Final = ("HTTPValidationError", "ValidationError")
"""FastAPI's own schemas of invalid bodies, which are not what is answered here."""

_EVERYWHERE: Final[tuple[type[ServiceError], ...]] = (
    InvalidRequest,  # the head is malformed
    HeadTooLarge,
    AddressTooLong,
    MisdirectedRequest,
    Unauthorized,  # a wrong key is refused on every address
    TooManyWrongKeys,
    ServiceError,
)
_WITH_BODY: Final[tuple[type[ServiceError], ...]] = (
    BodyTooSlow,
    BodyTooLarge,
    UnsupportedMediaType,
    TooBusy,  # all bodies together take too much memory
)

_BODILESS_METHODS: Final = frozenset({"GET", "HEAD"})

_NO_DESCRIPTION: Final = "Successful Response"
"""FastAPI's text for an answer without a description."""


def document(api: FastAPI, endpoints: Mapping[str, Endpoint]) -> dict[str, Any]:
    """The document of these routes; `endpoints` has what each declares, by method and path."""
    found = get_openapi(
        title=api.title,
        version=api.version,
        description=api.description,
        routes=api.routes,
        servers=list(SERVERS),
    )
    schemas = found["components"]["schemas"]
    for name in _FASTAPIS_OWN:
        schemas.pop(name, None)
    _add(schemas, problem.schemas())
    found["components"]["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "An API key."}
    }
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            endpoint = endpoints[f"{method.upper()} {path}"]
            _add(schemas, operation.pop(SCHEMAS, {}))
            if endpoint.access > Role.anyone:
                operation["security"] = [{"key": []}]
            for parameter in operation.get("parameters", ()):
                parameter["schema"] = _never_null(parameter["schema"])
            _describe(operation["responses"], schemas)
            _add_edge(operation, list(_of_edge(endpoint)))
    found["components"]["schemas"] = dict(sorted(schemas.items()))
    return found


def _describe(responses: Mapping[str, Any], schemas: Mapping[str, Any]) -> None:
    """Describe each answer as its schema describes itself."""
    for response in responses.values():
        if response["description"] == _NO_DESCRIPTION:
            schema = response.get("content", {}).get("application/json", {}).get("schema", {})
            name = schema.get("$ref", "").removeprefix(REF)
            response["description"] = schemas.get(name, {}).get("description", "Done.")


def _of_edge(endpoint: Endpoint) -> Iterator[type[ServiceError]]:
    """What the edge may answer in place of a route."""
    yield from _EVERYWHERE
    if endpoint.access > Role.anyone:
        yield Forbidden
    if endpoint.method not in _BODILESS_METHODS:
        yield from _WITH_BODY
    if endpoint.budget is not Budget.unlimited:
        yield RateLimited


def _add_edge(operation: dict[str, Any], more: list[type[ServiceError]]) -> None:
    """Add the edge's refusals to a route's own; the statuses come in order."""
    responses = operation["responses"]
    if problem.CODES not in responses.get("422", {problem.CODES: ()}):
        del responses["422"]  # FastAPI's own for an invalid body, which is 400 here
    own = {code for each in responses.values() for code in each.get(problem.CODES, ())}
    if DatabaseUnavailable.code in own:
        more.append(Draining)  # to those that wait for the database when the process ends
    for error in more:
        (refusal,) = problem.documented(error).values()
        there = responses.setdefault(str(error.status), refusal)
        if error.code not in there[problem.CODES]:
            there[problem.CODES].append(error.code)
            there["description"] += f"{problem.DIVIDER}{refusal['description']}"
    operation["responses"] = dict(sorted(responses.items()))


def _add(schemas: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Add schemas by name; raises `ValueError` if a name has two meanings."""
    for name, schema in more.items():
        if not _same(schemas.setdefault(name, schema), schema):
            raise ValueError(f"two schemas are called {name}")


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether both describe one thing: msgspec and pydantic put an enum's values in any order."""
    if "enum" in one and "enum" in other:
        return set(one["enum"]) == set(other["enum"])
    return one == other


def _never_null(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without null: in a query or a header a missing parameter is left out."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    return {**kinds[0], **rest}
