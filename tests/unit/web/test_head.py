"""What the head of a request may be, and the one cookie in it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_seating.booking.api.buyer_cookie import IN_HEADER, Buyers
from event_seating.errors import InvalidRequest, NotFound
from event_seating.http_server.asgi import Header
from event_seating.web import head
from event_seating.web.errors import AddressTooLong, HeadTooLarge
from event_seating.web.exchange import Exchange

HOST: Header = (b"host", b"tickets.example")
BUYER = Buyers(b"secret", secure=True).new("a hold", 1_800_000_000_000)


def checked(
    *headers: Header, path: str = "/", query: bytes = b"", version: str = "1.1"
) -> dict[bytes, bytes]:
    """The headers as they are once they were checked."""
    return exchange_checked(*headers, path=path, query=query, version=version).headers


def exchange_checked(
    *headers: Header, path: str = "/", query: bytes = b"", version: str = "1.1"
) -> Exchange:
    """A request whose head was checked."""
    fields = list(headers)
    exchange = Exchange("GET", path, query, fields, dict(fields), peer="", http_version=version)
    head.check(exchange)
    return exchange


class TestHost:
    def test_two_are_refused_though_they_are_the_same(self) -> None:
        with pytest.raises(InvalidRequest, match="`host` came twice"):
            checked(HOST, HOST)

    @pytest.mark.parametrize("headers", [(), ((b"host", b""),)])
    def test_none_is_refused(self, headers: tuple[Header, ...]) -> None:
        with pytest.raises(InvalidRequest, match="`Host` is missing"):
            checked(*headers)

    @pytest.mark.parametrize("version", sorted(head.HTTP_1_0))
    def test_none_is_needed_in_http_1_0_as_load_balancers_speak_it(self, version: str) -> None:
        assert checked((b"host", b""), version=version)


class TestRepeated:
    @pytest.mark.parametrize("name", sorted(head.ONCE))
    def test_a_header_with_one_value_may_not_come_twice(self, name: bytes) -> None:
        with pytest.raises(InvalidRequest, match=f"`{name.decode()}` came twice"):
            checked(HOST, (name, b"a"), (name, b"a"))

    @pytest.mark.parametrize("name", [b"accept", b"if-none-match", b"accept-encoding"])
    def test_a_list_in_several_lines_is_one_list(self, name: bytes) -> None:
        assert checked(HOST, (name, b"a"), (b"x", b"y"), (name, b"b"))[name] == b"a, b"

    def test_every_reader_sees_the_same_list(self) -> None:
        headers = [HOST, (b"prefer", b"wait=1"), (b"prefer", b"respond-async")]
        exchange = exchange_checked(*headers)
        assert exchange.headers[b"prefer"] == b"wait=1, respond-async"
        assert exchange.fields == [HOST, (b"prefer", b"wait=1, respond-async")]

    def test_cookies_in_several_lines_are_one_header(self) -> None:
        found = checked(HOST, (b"cookie", b"a=b"), (b"cookie", b"buyer=" + BUYER.encode()))
        assert head.cookie(found, IN_HEADER) == BUYER


class TestSizes:
    @pytest.mark.parametrize(
        "headers",
        [
            [(b"cookie", b"x" * head.HEAD_BYTES_MAX)],
            [(b"cookie", b"x" * 4_096)] * 4,
            [(b"x-%d" % number, b"x" * 512) for number in range(32)],
        ],
        ids=["one", "one in four lines", "many"],
    )
    def test_headers_beyond_the_bound_are_refused(self, headers: list[Header]) -> None:
        with pytest.raises(HeadTooLarge):
            checked(HOST, *headers)

    def test_headers_up_to_the_bound_pass(self) -> None:
        rest = head.HEAD_BYTES_MAX - len(HOST[1])
        assert checked(HOST, (b"cookie", b"x" * rest))

    @pytest.mark.parametrize("path", [0, 1_000, head.ADDRESS_BYTES_MAX])
    def test_an_address_beyond_the_bound_is_refused(self, path: int) -> None:
        query = b"q" * (head.ADDRESS_BYTES_MAX - path)
        checked(HOST, path="x" * path, query=query)
        with pytest.raises(AddressTooLong):
            checked(HOST, path="x" * path, query=query + b"q")


class TestPath:
    @pytest.mark.parametrize("sign", ["\n", "\r", "\x00", "\x1f", "\x7f", "\x85", "\t"])
    @pytest.mark.parametrize("path", ["/metrics{}", "/{}metrics", "/events/{}/seats"])
    def test_with_a_control_character_there_is_nothing(self, path: str, sign: str) -> None:
        with pytest.raises(NotFound):
            checked(HOST, path=path.format(sign))

    @pytest.mark.parametrize("path", ["/", "/events/a/seats/Parkett Reihe 1 ü", "/\u200b", "/\xa0"])
    def test_any_other_text_is_the_routes_business(self, path: str) -> None:
        assert checked(HOST, path=path)


class TestCookie:
    @pytest.mark.parametrize(
        "header",
        [
            "buyer={}",
            "a=b; buyer={}",
            "buyer={}; a=b",
            "a=b;buyer={};c=d",
            'a="\\";"; buyer={} ;',
            "buyer=wrong; buyer={}",
            ";;; \tbuyer={}",
        ],
    )
    def test_the_buyers_is_found_wherever_it_stands(self, header: str) -> None:
        found = {b"cookie": header.format(BUYER).encode()}
        assert head.cookie(found, IN_HEADER) == BUYER

    @pytest.mark.parametrize(
        "header",
        [
            "",
            "buyer=",
            "xbuyer={}",
            "x=buyer={}",
            "Buyer={}",
            "buyer ={}",
            "buyer={}x",
            'buyer="{}',
            "buyer={}\xff",
            f"buyer={BUYER[:-1]}",
        ],
    )
    def test_what_has_not_its_form_is_no_buyers(self, header: str) -> None:
        found = {b"cookie": header.format(BUYER).encode("latin-1")}
        assert head.cookie(found, IN_HEADER) is None

    def test_without_cookies_there_is_none(self) -> None:
        assert head.cookie({}, IN_HEADER) is None

    def test_each_value_that_is_given_out_has_the_form_that_is_looked_for(self) -> None:
        buyers = Buyers(b"secret", secure=False)
        for number in range(200):
            value = buyers.new(str(number), number * 1_000)
            assert head.cookie({b"cookie": f"buyer={value}".encode()}, IN_HEADER) == value
            assert buyers.known(value)

    @given(st.binary(max_size=200))
    def test_whatever_is_found_has_the_form(self, header: bytes) -> None:
        value = head.cookie({b"cookie": header}, IN_HEADER)
        assert value is None or re.fullmatch(r"[\w-]{16}\.[\w-]{16}", value, re.ASCII)

    def test_the_framework_gets_none(self) -> None:
        headers = [HOST, (b"cookie", b"a=b"), (b"accept", b"*/*"), (b"cookie", b"c=d")]
        assert head.without_cookies(headers) == [HOST, (b"accept", b"*/*")]
