import pytest

from event_seating.telemetry.redact import (
    ITEMS_MAX,
    REDACTED,
    is_secret,
    loggable_path,
    plain,
    plain_mapping,
    scrub,
)


@pytest.mark.parametrize(
    "name", ["token", "holdToken", "Authorization", "api_key", "SECRET_KEY", "e.email", "apiKey"]
)
def test_a_value_named_like_a_secret_is_kept_out_at_any_depth(name: str) -> None:
    assert is_secret(name)
    assert plain_mapping({"a": [{name: "x"}]}) == {"a": [{name: REDACTED}]}


@pytest.mark.parametrize("name", ["keyId", "monkey", "seat", "tokenise", ""])
def test_other_names_are_shown(name: str) -> None:
    assert not is_secret(name)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("for ann.b+c@mail.example.com, twice", f"for {REDACTED}, twice"),
        ("postgresql://me:pw@localhost/db", f"postgresql://{REDACTED}@localhost/db"),
        ("Authorization: Bearer abc.def", f"Authorization: Bearer {REDACTED}"),
        ("4 seats @ 45.00", "4 seats @ 45.00"),
    ],
)
def test_addresses_and_credentials_are_taken_out_of_texts(text: str, shown: str) -> None:
    assert scrub(text) == shown


def test_values_are_bounded_and_fit_for_any_encoder() -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError

    loop: list[object] = []
    loop.append(loop)
    assert plain(Broken()) == "<Broken>"
    assert plain(2**70) == str(2**70)
    assert plain("\ud800") == "\\ud800"
    assert len(str(plain("x" * 100_000))) < 10_000
    assert len(plain(list(range(1_000)))) == ITEMS_MAX  # type: ignore[arg-type]
    assert "[...]" in str(plain(loop))


def test_an_unmatched_path_betrays_no_token() -> None:
    token = "ev1." + "A" * 40
    assert loggable_path(f"/holds/{token}/extnd") == "/holds/*/extnd"
    assert loggable_path("/users/ann@example.com") == "/users/*"
    assert loggable_path("/a\nb/c") == "/*/c"
    assert loggable_path("/1/2/3/4/5/6/7/8") == "/1/2/3/4/5/6/…"
