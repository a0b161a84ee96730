"""docs/errors.md and the classes of errors.py are the same."""

from tests.rules import markdown
from tests.rules.repository import ROOT

from event_seating import errors
from event_seating.errors import ServiceError

EXISTING = sorted(
    (error for error in vars(errors).values()
     if isinstance(error, type) and issubclass(error, ServiceError)),
    key=lambda error: (error.status, error.code),
)  # fmt: skip


def test_the_page_names_each_error_with_its_status_and_sentence() -> None:
    page = (ROOT / "docs/errors.md").read_text()
    written = [cells[:3] for cells in markdown.rows(page, "code")]
    assert written == [[f"`{error.code}`", str(error.status), error.sentence] for error in EXISTING]


def test_each_code_is_that_of_one_error() -> None:
    codes = [error.code for error in EXISTING]
    assert len(codes) == len(set(codes))
