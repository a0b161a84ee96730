from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from event_seating.telemetry.redact import (
    ITEMS_MAX,
    REDACTED,
    cut_address,
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


def network_of(address: str) -> str:
    """As `cut_address`, by `ipaddress` alone."""
    try:
        parsed = ip_address(address[:64])
    except ValueError:
        return "-"
    whole = (parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None) or parsed
    prefix = 24 if isinstance(whole, IPv4Address) else 48
    return str(ip_network((int(whole).to_bytes(whole.max_prefixlen // 8), prefix), strict=False))


ODD_ADDRESSES = [
    "", "-", "unix:", "1.2.3", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", "1.2.3.4%eth0", "1.2.3.4\x00",
    "::", "::1", "0:0:1::", "1:0:2::", "0:1::", "::ffff:1.2.3.4", "::1.2.3.4", "::ffff:1.2.3.4%a",
    "::ffff:01.2.3.4", "fe80::1%eth0", "fe80::1%", "fe80::1%a%b", "fe80::1%a/b", "[::1]", "1::2::3",
    "12345::", "2001:DB8::", "٣.1.1.1", "\ud800", "1:2:3:4:5:6:7:8:9", "1.2.3.4" + "0" * 99,
]  # fmt: skip


@settings(max_examples=500, deadline=None, database=None)
@given(
    st.one_of(
        st.ip_addresses().map(str),
        st.ip_addresses(v=6).map(lambda address: address.exploded),
        st.integers(0, 2**48 - 1).map(lambda site: str(IPv6Address(site << 80))),
        st.text("0123456789abcdefF.:%/ ", max_size=20),
        st.sampled_from(ODD_ADDRESSES),
    )
)
def test_an_address_is_cut_as_ipaddress_would(address: str) -> None:
    assert cut_address(address) == network_of(address)


@pytest.mark.parametrize("address", ODD_ADDRESSES)
def test_an_odd_address_is_cut_as_ipaddress_would(address: str) -> None:
    assert cut_address(address) == network_of(address)
