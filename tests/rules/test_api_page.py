"""docs/api.md has a section for each call of the OpenAPI document, and for no other."""

import re

import pytest
from tests.conftest import Service
from tests.rules import markdown, transcript
from tests.rules.repository import ROOT

PAGE = (ROOT / "docs/api.md").read_text()
CALL = re.compile(r"(?:GET|POST|PUT|PATCH|DELETE) /\S*")


@pytest.mark.anyio
async def test_each_call_has_a_section_and_each_section_a_call(service: Service) -> None:
    document = (await service.client.get("/openapi.json")).json()
    served = {
        f"{method.upper()} {path}" for path, calls in document["paths"].items() for method in calls
    }
    assert {heading for heading in markdown.headings(PAGE) if CALL.fullmatch(heading)} == served


def test_each_call_has_an_example() -> None:
    for section in re.split(r"^## ", PAGE, flags=re.MULTILINE):
        if CALL.match(section):
            assert transcript.steps(section), section.partition("\n")[0]
