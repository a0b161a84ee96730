"""docs/security.md shows who may call what as the code has it."""

from tests.support import markdown
from tests.support.declared import endpoints
from tests.support.repository import ROOT

from event_seating.web import security_headers

PAGE = (ROOT / "docs/security.md").read_text()


def test_the_page_shows_the_whole_table_of_access() -> None:
    assert markdown.rows(PAGE, "call") == [
        [f"`{name}`", endpoint.access.name.replace("_", "-"), endpoint.budget.value]
        for name, endpoint in endpoints().items()
    ]


def test_the_page_shows_each_header_that_every_answer_has() -> None:
    shown = PAGE.partition("## Headers")[2]
    for name, value in security_headers.HEADERS:
        assert f"{name.decode()}: {value.decode()}" in shown
