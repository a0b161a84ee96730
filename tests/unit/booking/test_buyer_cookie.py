"""The cookies of buyers, and whom a caller counts as."""

import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_seating.booking.api.buyer_cookie import Buyers, Identity, identity
from event_seating.booking.api.caller import Caller
from event_seating.errors import InvalidRequest
from event_seating.web.client_address import client_networks
from event_seating.web.roles import Principal, Role

BORN_MS = 1_700_000_000_000
HOLD = "abcdefghijklAAAAAAAAAAAAAAAAAAAAAA"
BUYERS = Buyers(b"secret", secure=True)
EVENT = b"of the event"
ANYONE = Principal("anonymous", Role.anyone, limited=True)
DESK = Principal("desk", Role.box_office, limited=False)


def test_a_cookie_says_whose_it_is_and_when_it_was_made() -> None:
    value = BUYERS.new(HOLD, BORN_MS + 999)
    assert BUYERS.known(value) == (BUYERS.named_by(HOLD), BORN_MS)
    assert BUYERS.known(BUYERS.new(HOLD, BORN_MS + 5_000)) == (
        BUYERS.named_by(HOLD),
        BORN_MS + 5_000,
    )
    assert [len(part) for part in value.split(".")] == [16, 16]


def test_nobody_makes_a_cookie_from_a_hold_or_an_older_one_without_our_secret() -> None:
    mine = BUYERS.new(HOLD, BORN_MS)
    assert Buyers(b"another", secure=True).known(mine) is None
    name, seal = mine.split(".")
    older = BUYERS.new(HOLD + "x", 0).split(".")[1]
    assert BUYERS.known(f"{name}.{older[:6]}{seal[6:]}") is None
    assert BUYERS.known(f"{name}.{older}") is None


def test_a_cookie_of_an_earlier_release_stays_good_and_is_older_than_all() -> None:
    name = "A" * 16
    digest = hmac.digest(b"secret", b"buyer " + name.encode(), sha256)[:12]
    assert BUYERS.known(f"{name}.{urlsafe_b64encode(digest).decode()}") == (name, 0)


@given(st.text(max_size=60))
def test_no_other_text_is_a_cookie(text: str) -> None:
    assert BUYERS.known(text) is None
    assert BUYERS.known(f"{BUYERS.named_by(HOLD)}.{text}") is None


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", ("192.0.2.7", None)),
        ("::ffff:192.0.2.7", ("192.0.2.7", None)),
        ("::FFFF:C000:0207", ("192.0.2.7", None)),
        ("2002:c000:207:1::9", ("192.0.2.7", None)),
        ("2001:db8:1:2ff::9", ("2001:db8:1:2ff::/64", "2001:db8:1:200::/56")),
        ("2001:DB8:1:200:0:0:0:9", ("2001:db8:1:200::/64", "2001:db8:1:200::/56")),
        ("fe80::1%eth0", ("fe80::/64", "fe80::/56")),
        ("", ("", None)),
        ("unix:", ("unix:", None)),
    ],
)
def test_what_an_address_is_counted_by(address: str, counted: tuple[str, str | None]) -> None:
    assert client_networks(address) == counted


def test_a_caller_counts_on_the_cookie_or_the_one_they_are_about_to_get() -> None:
    new = identity(EVENT, Caller(ANYONE, "192.0.2.7", "new"), None)
    known = identity(EVENT, Caller(ANYONE, "192.0.2.7", "new", known_since_ms=5), None)
    assert new == known._replace(known_since_ms=None)
    assert known.known_since_ms == 5
    assert len({new.buyer, new.address}) == 2
    six = identity(EVENT, Caller(ANYONE, "2001:db8::7", "new"), None)
    assert (six.buyer, six.network is None) == (new.buyer, False)
    assert identity(b"another event", Caller(ANYONE, "192.0.2.7", "new"), None).buyer != new.buyer


def test_the_box_office_counts_on_the_buyer_that_it_names_alone() -> None:
    caller = Caller(DESK, "192.0.2.7")
    assert identity(EVENT, caller, None) == Identity()
    named = identity(EVENT, caller, "R-1")
    assert named.buyer is not None
    assert named == Identity(named.buyer)
    with pytest.raises(InvalidRequest):
        identity(EVENT, Caller(ANYONE, "192.0.2.7"), "R-1")
