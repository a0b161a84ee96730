"""Which form of a long answer a client takes."""

import pytest

from event_seating.web.media_types import CSV, JSON, NDJSON, preferred


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("text/csv", CSV),
        ("TEXT/CSV; charset=utf-8", CSV),
        ("text/*", CSV),
        ("application/x-ndjson", NDJSON),
        ("application/*", JSON),
        ("text/csv;q=0.5, application/json", JSON),
        ("text/csv;q=0.5, application/x-ndjson;q=0.7", NDJSON),
        ("application/json;q=0, */*;q=0.1", CSV),
        ("text/html, */*;q=0.8", JSON),
        ("image/png", JSON),
        ("text/csv;q=nonsense", JSON),
        (";;;,,,", JSON),
    ],
)
def test_the_form_that_the_client_takes_most_gladly_is_chosen(
    accept: str | None, expected: str
) -> None:
    assert preferred(accept, (JSON, CSV, NDJSON)) == expected
