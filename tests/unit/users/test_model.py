"""What may be a user."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_seating.users import model
from event_seating.users.model import User

ALLOWED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-"
any_text = st.text(alphabet=st.characters(), max_size=300)


@given(st.text(alphabet=ALLOWED, min_size=1, max_size=64))
def test_an_id_of_allowed_characters_is_one(text: str) -> None:
    assert model.is_user_id(text)


@given(any_text)
def test_any_other_text_is_none(text: str) -> None:
    assert model.is_user_id(text) == (1 <= len(text) <= 64 and set(text) <= set(ALLOWED))


@pytest.mark.parametrize("text", ["", "a" * 65, "a\n", "\na", "a b", "ü", "a/b", "\u0661"])
def test_odd_ids(text: str) -> None:
    assert not model.is_user_id(text)


@given(any_text | st.emails())
def test_an_email_is_put_into_its_form_or_refused(text: str) -> None:
    try:
        email = model.checked_email(text)
    except ValueError:
        return
    assert email == email.strip() == email.lower()
    assert "@" in email
    assert len(email) <= model.EMAIL_CHARS_MAX
    assert model.checked_email(email) == email
    email.encode()


@pytest.mark.parametrize("text", ["", "a", "a@", "@b.example", "a@b@c.example", "a b@c.example",
                                  "a@b..example", "a@-b.example", "a\x00@b.example"])  # fmt: skip
def test_these_are_no_addresses(text: str) -> None:
    with pytest.raises(ValueError, match="is not an e-mail address"):
        model.checked_email(text)


@pytest.mark.parametrize(
    "text",
    [
        "jane＠example.com",  # noqa: RUF001
        "Ｊａｎｅ＠ｅｘａｍｐｌｅ．ｃｏｍ",  # noqa: RUF001
        "jane@example。com",
        "\u3000jane@example.com\u00a0",
        "\ufeffjane@example.com",
        "\u202ajane@example.com\u202c",
        "ja\u200bne@exam\u00adple.com\u200e",
        "JANE@EXAMPLE.COM",
    ],
)
def test_an_address_has_one_form_however_it_was_typed(text: str) -> None:
    assert model.checked_email(text) == "jane@example.com"


def test_an_address_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 254"):
        model.checked_email("a" * 60 + "@" + "b" * 300 + ".example")


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])), st.integers(0, 4 * 10**12))
def test_a_user_is_encoded_as_the_api_shows_it(name: str, created_at_ms: int) -> None:
    body = json.loads(User("1", name, "a@b.example", created_at_ms).encode())
    assert (body["id"], body["name"], body["email"]) == ("1", name, "a@b.example")
    assert set(body) == {"id", "name", "email", "createdAt"}
