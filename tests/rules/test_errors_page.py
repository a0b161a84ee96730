"""docs/errors.md and the classes of errors are the same; each noun's are in its `errors.py`."""

import re
from importlib import import_module

from tests.support import markdown
from tests.support.repository import ROOT

from event_seating.errors import ServiceError
from event_seating.web.problem import Problem

PACKAGE = ROOT / "src/event_seating"

MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    for path in PACKAGE.rglob("errors.py")
}
for module in MODULES:
    import_module(module)

EXISTING = sorted(
    (error for error in ServiceError.every() if error.__module__.startswith("event_seating.")),
    key=lambda error: (error.status, error.code),
)


def test_each_error_is_declared_in_an_errors_module() -> None:
    assert {error.__module__ for error in EXISTING} == MODULES


def test_the_page_names_each_error_with_its_status_and_sentence() -> None:
    page = (ROOT / "docs/errors.md").read_text()
    written = [cells[:3] for cells in markdown.rows(page, "code")]
    assert written == [[f"`{error.code}`", str(error.status), error.sentence] for error in EXISTING]


def test_each_code_is_that_of_one_error() -> None:
    codes = [error.code for error in EXISTING]
    assert len(codes) == len(set(codes))


def test_each_field_that_an_error_brings_is_one_of_the_problem() -> None:
    brought = set()
    for path in (ROOT / "src/event_seating").rglob("*.py"):
        for found in re.findall(r"details(?:=\{([^{}]*):|\[(\"\w+\")\] = )", path.read_text()):
            brought |= set(re.findall(r'"(\w+)"', " ".join(found)))
    assert {"fields", "limit", "retryAfter", "seats"} <= brought
    assert brought <= set(Problem.model_fields)
