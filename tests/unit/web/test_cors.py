"""Which pages of other origins may call."""

import pytest

from event_seating.web.cors import Cors

SHOP = b"https://tickets.example"


def names(headers: tuple[tuple[bytes, bytes], ...]) -> set[bytes]:
    return {name for name, _ in headers}


def test_without_origins_nothing_is_said() -> None:
    assert Cors([]).headers(SHOP) == ()
    assert Cors([]).preflight(SHOP) == ()


def test_an_origin_of_the_list_is_named() -> None:
    headers = dict(Cors([SHOP.decode()]).headers(SHOP))
    assert headers[b"access-control-allow-origin"] == SHOP
    assert b"retry-after" in headers[b"access-control-expose-headers"]


@pytest.mark.parametrize(
    "origin",
    [b"", b"null", b"https://tickets.example.evil", b"http://tickets.example", SHOP + b"/", b"*"],
)
def test_any_other_origin_gets_nothing(origin: bytes) -> None:
    cors = Cors([SHOP.decode()])
    assert cors.headers(origin) == cors.preflight(origin) == ()


@pytest.mark.parametrize("origins", [[SHOP.decode()], ["*"]])
def test_every_answer_varies_where_there_are_origins(origins: list[str]) -> None:
    """Else a cache would give a page what was answered to none, and it could not read it."""
    assert Cors(origins).always == ((b"vary", b"origin"),)
    assert Cors([]).always == ()


def test_a_star_is_for_everyone_and_never_with_credentials() -> None:
    cors = Cors(["*"])
    headers = dict(cors.headers(b"https://anyone.example"))
    assert headers[b"access-control-allow-origin"] == b"*"
    assert b"access-control-allow-credentials" not in headers
    assert len(cors.preflight(b"https://anyone.example")) > 1


def test_who_asks_beforehand_is_told_methods_headers_and_for_how_long() -> None:
    found = names(Cors([SHOP.decode()]).preflight(SHOP))
    assert found >= {
        b"access-control-allow-methods",
        b"access-control-allow-headers",
        b"access-control-max-age",
    }
