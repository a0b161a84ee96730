"""Whose address a request has, and what the limiter counts it by."""

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_seating.web import client_address as addresses
from event_seating.web.client_address import client_address, client_key

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("2001:db8:1::/48"))
PROXY = "10.0.0.1"

ipv4 = st.ip_addresses(v=4)
ipv6 = st.ip_addresses(v=6).filter(lambda address: address.ipv4_mapped is None)


class TestClientAddress:
    def test_without_trusted_proxies_nothing_is_believed(self) -> None:
        assert client_address(PROXY, [b"198.51.100.1"], ()) == PROXY

    def test_a_stranger_is_not_believed(self) -> None:
        assert client_address("192.0.2.1", [b"198.51.100.1"], TRUSTED) == "192.0.2.1"

    @pytest.mark.parametrize(
        ("forwarded", "client"),
        [
            ([b"198.51.100.1"], "198.51.100.1"),
            ([b"1.1.1.1, 2.2.2.2, 198.51.100.1"], "198.51.100.1"),
            ([b"1.1.1.1, 198.51.100.1, 10.9.9.9"], "198.51.100.1"),
            ([b"1.1.1.1", b"198.51.100.1"], "198.51.100.1"),
            ([b"198.51.100.1,2001:db8:1::7 ,10.2.3.4"], "198.51.100.1"),
            ([b"10.0.0.9, 10.0.0.8"], "10.0.0.9"),
            ([b"nonsense, 198.51.100.1"], "198.51.100.1"),
        ],
    )
    def test_what_the_last_trusted_proxy_saw_counts(
        self, forwarded: list[bytes], client: str
    ) -> None:
        assert client_address(PROXY, forwarded, TRUSTED) == client

    @pytest.mark.parametrize(
        "hop", [b"", b"unknown", b"_hidden", b"1.2.3", b"\xff", b"[", b"a" * 9999]
    )
    def test_a_hop_that_is_no_address_ends_the_chain(self, hop: bytes) -> None:
        assert client_address(PROXY, [b"198.51.100.1, " + hop], TRUSTED) == PROXY

    @pytest.mark.parametrize(
        ("hop", "client"),
        [
            (b"198.51.100.1:4711", "198.51.100.1"),
            (b"[2001:db8::1]:443", "2001:db8::1"),
            (b"[2001:db8::1]", "2001:db8::1"),
            (b"2001:db8::1", "2001:db8::1"),
        ],
    )
    def test_a_port_is_no_part_of_the_address(self, hop: bytes, client: str) -> None:
        assert client_address(PROXY, [hop], TRUSTED) == client

    def test_an_ipv4_proxy_on_an_ipv6_socket_is_trusted(self) -> None:
        assert client_address("::ffff:10.0.0.1", [b"198.51.100.1"], TRUSTED) == "198.51.100.1"

    def test_a_chain_without_end_is_read_up_to_a_bound(self) -> None:
        chain = b",".join([b"198.51.100.1", *[b"10.0.0.2"] * 100_000])
        assert client_address(PROXY, [chain], TRUSTED) == "10.0.0.2"

    @given(st.binary(max_size=300))
    def test_any_header_gives_the_proxy_or_an_address(self, header: bytes) -> None:
        found = client_address(PROXY, [header], TRUSTED)
        assert found == PROXY or client_key(found) is not found

    def test_long_texts_are_not_kept(self) -> None:
        before = addresses._parse.cache_info().currsize
        for number in range(100):
            client_address(PROXY, [b"x" * 60_000 + b"%d" % number], TRUSTED)
        assert addresses._parse.cache_info().currsize == before


class TestClientKey:
    @given(ipv4, ipv4)
    def test_each_ipv4_address_is_a_client(self, one: IPv4Address, other: IPv4Address) -> None:
        assert (client_key(str(one)) == client_key(str(other))) == (one == other)

    @given(ipv6, ipv6)
    def test_each_ipv6_network_of_64_bits_is_a_client(
        self, one: IPv6Address, other: IPv6Address
    ) -> None:
        same = int(one) >> 64 == int(other) >> 64
        assert (client_key(str(one)) == client_key(str(other))) == same

    @given(ipv4, ipv6)
    def test_no_ipv4_client_is_an_ipv6_client(self, four: IPv4Address, six: IPv6Address) -> None:
        assert client_key(str(four)) != client_key(str(six))

    @given(ipv6.map(int))
    def test_neighbours_in_a_network_share_a_key(self, number: int) -> None:
        first, last = IPv6Address(number >> 64 << 64), IPv6Address(number | (1 << 64) - 1)
        assert client_key(str(first)) == client_key(str(last))

    @given(ipv4)
    def test_an_ipv4_address_counts_the_same_on_an_ipv6_socket(self, address: IPv4Address) -> None:
        assert client_key(f"::ffff:{address}") == client_key(str(address))

    def test_a_peer_without_an_address_is_a_client_too(self) -> None:
        assert client_key("") == ""
