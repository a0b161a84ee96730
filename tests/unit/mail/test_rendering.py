"""The templates: both forms of each, and nothing that is fetched from elsewhere."""

import re

import pytest
from jinja2 import UndefinedError

from event_seating.mail.rendering import TEMPLATES, render

NAMES = sorted({path.stem for path in TEMPLATES.iterdir()} - {"layout"})


def test_each_is_there_in_both_forms() -> None:
    files = {path.name for path in TEMPLATES.iterdir()}
    assert files == {"layout.html"} | {
        f"{name}.{kind}" for name in NAMES for kind in ("txt", "html")
    }


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.html")), ids=lambda path: path.name)
def test_nothing_is_fetched_and_nothing_runs(path: object) -> None:
    text = path.read_text()  # type: ignore[attr-defined]
    assert not re.search(r"<(img|script|link|iframe|object)|\bsrc=|url\(|https?:|\bon\w+=", text)


def test_what_is_filled_in_is_escaped_in_html_alone() -> None:
    words = render("user-welcome", {"subject": "<s>", "name": "<b>&", "user": "1"})
    assert words.text.startswith("Welcome, <b>&\n")
    assert "Welcome, &lt;b&gt;&amp;" in words.html
    assert "<title>&lt;s&gt;</title>" in words.html


def test_a_value_that_nobody_gave_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        render("user-welcome", {"subject": "s", "name": "n"})


def test_a_name_that_runs_from_right_to_left_does_not_turn_what_stands_beside_it() -> None:
    words = render("user-welcome", {"subject": "s", "name": "محمد", "user": "1"})
    assert words.text.startswith("Welcome, \u2068محمد\u2069\n")
    assert "Welcome, \u2068محمد\u2069<" in words.html
