"""What of a text can be seen, and what may be a name."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_seating.values.visible_text import NAME_CHARS_MAX, checked_name, isolated, without_hidden

any_text = st.text(alphabet=st.characters(), max_size=300)
marked = st.text(
    alphabet="ab \u0628\u3000\u200b\u200c\u200d\u200e\u202e\u2068\ufeff\n", max_size=12
)


@given(any_text | marked)
def test_a_name_is_put_into_its_form_or_refused(text: str) -> None:
    try:
        name = checked_name(text)
    except ValueError:
        return
    assert name == name.strip() == without_hidden(text).strip()
    assert 1 <= len(name) <= NAME_CHARS_MAX
    assert all(unicodedata.category(char) not in {"Cc", "Cs", "Zl", "Zp"} for char in name)
    assert checked_name(name) == name
    name.encode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "\u2003",
        "a\x00b",
        "a\tb",
        "a\u2028b",
        "\ud800",
        "x" * 201,
        "\u200b",
        "\u200b\u3164",
        "\u2060 \ufeff",
        "\u202e\u202c",
        "\u0301",
        "\U000e0041",
    ],
)
def test_these_are_no_names(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        checked_name(text)


@pytest.mark.parametrize(
    "text",
    [
        "O'Brien",
        "李小龍",
        "Ægir Ó",
        "Jean-Luc 🎟",
        "x" * 200,
        "محمد علي",
        "נועה",
        "می\u200cخواهم",  # noqa: RUF001 - a Persian word that is spelt with a joiner
        "क्\u200dष",  # so is this in Devanagari
        "👩\u200d👩\u200d👧",
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    ],
)
def test_these_are_names_and_stay_as_they_are(text: str) -> None:
    assert checked_name(text) == text


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ja\u200bne", "Jane"),
        ("\ufeffJane\u2060", "Jane"),
        ("\u202aJane\u202c", "Jane"),
        ("\u2068Jane\u2069 Doe", "Jane Doe"),
        ("Jane \u202eeoD", "Jane eoD"),
        ("Jane\u200e \u200fDoe\u061c", "Jane Doe"),
        ("Ja\u00adne", "Jane"),
        ("Ja\u200dne\u200c", "Jane"),
        ("Jane\U000e0041\U000e0042", "Jane"),
        ("\u200b Jane \u200b", "Jane"),
        ("\u202eمحمد\u202c", "محمد"),
        ("محمد\u200c\u200c علي\u200c", "محمد علي"),
    ],
)
def test_marks_that_nobody_sees_are_removed(text: str, name: str) -> None:
    assert checked_name(text) == name


def test_a_name_that_runs_from_right_to_left_is_isolated_in_plain_text() -> None:
    assert isolated("محمد") == "\u2068محمد\u2069"
    assert isolated("Jane") == "Jane"
