"""docs/api.md has a section for each call of the OpenAPI document, and says all that it takes."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support import markdown, transcript
from tests.support.document import Document, Operation, document_of
from tests.support.repository import ROOT
from tests.support.service import in_process

PAGE = (ROOT / "docs/api.md").read_text()
CALL = re.compile(r"(?:GET|POST|PUT|PATCH|DELETE) /\S*")
SECTIONS = {part.partition("\n")[0]: part for part in re.split(r"^## ", PAGE, flags=re.MULTILINE)}

SEAT_MAP = "#/components/schemas/SeatMap"
"""A file rather than a request: `/schemas/seat-map.json` has its fields."""

MADE: list[Document] = []
"""The document is the same each time, so that one service is started for it."""

pytestmark = pytest.mark.anyio


@pytest.fixture
async def document(environment: dict[str, str]) -> Document:
    if not MADE:
        async with in_process() as service:
            MADE.append(document_of(service.parts))
    return MADE[0]


async def test_each_call_has_a_section_and_each_section_a_call(document: Document) -> None:
    served = {operation.name for operation in document.operations}
    assert {heading for heading in markdown.headings(PAGE) if CALL.fullmatch(heading)} == served


async def test_each_call_has_an_example() -> None:
    for name, section in SECTIONS.items():
        if CALL.match(name):
            assert transcript.steps(section), name


async def test_each_field_of_each_body_has_a_row_and_each_row_a_field(document: Document) -> None:
    for operation in document.operations:
        schema = body_of(operation)
        if schema is None:
            continue
        section = SECTIONS[operation.name]
        if {"$ref": SEAT_MAP} in schema.get("anyOf", ()):
            assert "/schemas/seat-map.json" in section + SECTIONS["POST /venues"]
            continue
        same = re.search(r"The fields are those of `(.+?)`\.", section)
        if same:
            (other,) = [each for each in document.operations if each.name == same[1]]
            assert body_of(other) == schema, operation.name
            continue
        named = [name for row in markdown.rows(section, "field")
                 for name in re.findall(r"`([^`]+)`", row[0])]  # fmt: skip
        assert len(named) == len(set(named)), operation.name
        assert set(named) == set(fields(document, schema)), operation.name


async def test_each_parameter_is_named_where_it_is_taken(document: Document) -> None:
    shared = {
        name: set(re.findall(r"`([^`]+)`", row[1]))
        for row in markdown.rows(PAGE, "parameter")
        for name in re.findall(r"`([^`]+)`", row[0])
    }
    taken: dict[str, set[str]] = {}
    for operation in document.operations:
        for parameter in operation.described.get("parameters", ()):
            name = parameter["name"]
            if parameter["in"] != "path":
                taken.setdefault(name, set()).add(operation.name)
                if name not in shared:
                    code = " ".join(markdown.code(SECTIONS[operation.name]))
                    assert re.search(rf"(?<!\w){name}\b", code, re.IGNORECASE), (
                        f"{operation.name} {name}"
                    )
    assert shared == {name: taken.get(name) for name in shared}


async def test_a_field_that_stands_nowhere_is_noticed(document: Document) -> None:
    (hold,) = [each for each in document.operations if each.name == "POST /events/{id}/holds"]
    found = set(fields(document, body_of(hold) or {}))
    assert {"seats", "areas", "best.quantity", "best.maxPrice", "buyerRef"} <= found
    assert "best" not in found


def body_of(operation: Operation) -> dict[str, Any] | None:
    """The schema of the JSON that it takes."""
    content = operation.described.get("requestBody", {}).get("content", {})
    return dict(content["application/json"]["schema"]) if "application/json" in content else None


def fields(document: Document, schema: dict[str, Any], under: str = "") -> Iterator[str]:
    """The fields of a body with their paths: `best.quantity`, `rows[].index`, `types.*.label`."""
    for kind in kinds(document, schema):
        if "properties" in kind:
            for name, value in kind["properties"].items():
                path = f"{under}.{name}" if under else name
                yield from list(fields(document, value, path)) or [path]
        elif isinstance(kind.get("items"), dict):
            yield from fields(document, kind["items"], f"{under}[]")
        elif isinstance(kind.get("additionalProperties"), dict):
            yield from fields(document, kind["additionalProperties"], f"{under}.*")


def kinds(document: Document, schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What a schema refers to or chooses from."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield from kinds(document, document.content["components"]["schemas"][name])
    elif "anyOf" in schema:
        for each in schema["anyOf"]:
            yield from kinds(document, each)
    else:
        yield schema
