"""What the head of a request may be, and what it says of the message; nothing else passes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_seating.http_server import heads
from event_seating.http_server.heads import Framing, HeaderFields, HttpRefused
from event_seating.http_server.limits import FIELDS_MAX

TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


def fields(*lines: bytes) -> HeaderFields:
    """The fields of a head with these lines, as a connection reads them."""
    first = b"GET / HTTP/1.1\r\n"
    head = first + b"".join(line + b"\r\n" for line in lines)
    return heads.fields(head, len(first), len(head))


def framing(*lines: bytes, minor: bytes = b"1") -> Framing:
    return heads.framing(fields(*lines), minor)


class TestLine:
    def test_it_has_a_method_a_target_and_a_version(self) -> None:
        found = heads.line(b"xGET /users/1?a=b HTTP/1.1\r\n", 1)
        assert found.groups() == (b"GET", b"/users/1?a=b", b"1")

    @pytest.mark.parametrize(
        "line",
        [
            b"GET /\r\n",  # HTTP/0.9
            b"GET / HTTP/1.1\n",
            b"GET / HTTP/1.1\r",
            b"GET / HTTP/1.2\r\n",
            b"GET / HTTP/2.0\r\n",
            b"GET / http/1.1\r\n",
            b"GET  / HTTP/1.1\r\n",
            b"GET /  HTTP/1.1\r\n",
            b"GET\t/ HTTP/1.1\r\n",
            b"GET / HTTP/1.1 \r\n",
            b" GET / HTTP/1.1\r\n",
            b"GET /a b HTTP/1.1\r\n",
            b"GET /\x00 HTTP/1.1\r\n",
            b"GET /\xc3\xa9 HTTP/1.1\r\n",
            b"GET /#part HTTP/1.1\r\n",
            b"G(T / HTTP/1.1\r\n",
            b"\x16\x03\x01 / HTTP/1.1\r\n",
            b"",
        ],
    )
    def test_anything_else_is_refused(self, line: bytes) -> None:
        with pytest.raises(HttpRefused) as refused:
            heads.line(line, 0)
        assert refused.value.status == 400


class TestFields:
    def test_names_are_in_lower_case_and_values_without_the_space_around_them(self) -> None:
        found = fields(b"Host:  a.example \t", b"X-Empty:", b"Accept:\ta, b")
        assert found.all == [(b"host", b"a.example"), (b"x-empty", b""), (b"accept", b"a, b")]

    @pytest.mark.parametrize(
        "line",
        [
            b"Host : a",
            b" Host: a",
            b"Host: a\r\n folded",
            b"Host: a\r\n\tfolded",
            b"no colon",
            b": no name",
            b"Ho st: a",
            b"Host: a\nX: b",
            b"Host: a\rX: b",
            b"Host: a\x00b",
            b"Host: a\x7fb",
            b"Host: a\x0bb",
            b"H\xf6st: a",
            b"bad(Content-Length: 5",
        ],
    )
    def test_a_line_that_is_no_header_is_refused(self, line: bytes) -> None:
        with pytest.raises(HttpRefused) as refused:
            fields(b"Accept: x", line, b"X: y")
        assert refused.value.status == 400

    def test_bytes_beyond_ascii_are_kept_in_values(self) -> None:
        assert fields(b"X: caf\xc3\xa9").all == [(b"x", b"caf\xc3\xa9")]

    def test_too_many_are_refused(self) -> None:
        assert len(fields(*[b"X: a"] * FIELDS_MAX).all) == FIELDS_MAX
        with pytest.raises(HttpRefused) as refused:
            fields(*[b"X: a"] * (FIELDS_MAX + 1))
        assert refused.value.status == 431

    @given(st.lists(st.binary(max_size=12), max_size=4))
    def test_whatever_passes_is_what_the_grammar_allows(self, lines: list[bytes]) -> None:
        try:
            found = fields(*lines)
        except HttpRefused:
            return
        assert len(found.all) == len(lines)
        for (name, value), line in zip(found.all, lines, strict=True):
            assert TOKEN.fullmatch(name)
            assert line.lower().startswith(name + b":")
            assert value == line.partition(b":")[2].strip(b" \t")
            assert not set(value) & {0, 10, 13, 127}


class TestFraming:
    def test_without_a_word_there_is_no_body_and_the_connection_stays(self) -> None:
        assert framing(b"Host: a") == Framing(length=0, keep_alive=True)
        assert framing(b"Host: a", minor=b"0") == Framing(length=0, keep_alive=False)

    @pytest.mark.parametrize(
        ("lines", "length"),
        [
            ([b"Content-Length: 0"], 0),
            ([b"Content-Length: 12"], 12),
            ([b"Content-Length: 007"], 7),
            ([b"Transfer-Encoding: chunked"], None),
            ([b"Transfer-Encoding: Chunked"], None),
        ],
    )
    def test_a_length_is_a_number_or_chunks(self, lines: list[bytes], length: int | None) -> None:
        assert framing(*lines).length == length

    @pytest.mark.parametrize(
        "lines",
        [
            [b"Content-Length: 5", b"Content-Length: 5"],
            [b"Content-Length: 5", b"Content-Length: 6"],
            [b"Content-Length: 5", b"Transfer-Encoding: chunked"],
            [b"Transfer-Encoding: chunked", b"Content-Length: 5"],
            [b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"],
            [b"Content-Length: 5, 5"],
            [b"Content-Length: +5"],
            [b"Content-Length: -5"],
            [b"Content-Length: 5 5"],
            [b"Content-Length: 0x5"],
            [b"Content-Length: 5_0"],
            [b"Content-Length: \xb2"],
            [b"Content-Length:"],
            [b"Content-Length: 9999999999999999"],
            [b"Transfer-Encoding: gzip, chunked"],
            [b"Transfer-Encoding: chunked, identity"],
            [b"Transfer-Encoding: xchunked"],
            [b"Transfer-Encoding: identity"],
            [b"Transfer-Encoding: chunked;q=1"],
            [b"Transfer-Encoding:"],
        ],
    )
    def test_what_readers_disagree_about_is_refused(self, lines: list[bytes]) -> None:
        with pytest.raises(HttpRefused) as refused:
            framing(*lines)
        assert refused.value.status == 400

    def test_chunks_are_refused_in_http_1_0(self) -> None:
        with pytest.raises(HttpRefused):
            framing(b"Transfer-Encoding: chunked", minor=b"0")

    @pytest.mark.parametrize(
        ("lines", "minor", "stays"),
        [
            ([b"Connection: close"], b"1", False),
            ([b"Connection: Close, x"], b"1", False),
            ([b"Connection: x", b"Connection: close"], b"1", False),
            ([b"Connection: keep-alive"], b"1", True),
            ([b"Connection: keep-alive"], b"0", True),
            ([b"Connection: closed"], b"1", True),
        ],
    )
    def test_the_connection_stays_unless_it_is_said(
        self, lines: list[bytes], minor: bytes, stays: bool
    ) -> None:
        assert framing(*lines, minor=minor).keep_alive == stays

    @pytest.mark.parametrize(
        ("lines", "plain"),
        [
            ([b"Accept: */*"], True),
            ([b"Connection: keep-alive"], True),
            ([b"connection: Keep-Alive", b"Accept: */*"], True),
            ([b"Connection: close"], False),
            ([b"Connection: keep-alive, Upgrade"], False),
            ([b"Connection: close", b"Connection: keep-alive"], False),
            ([b"Connection: keep-alive", b"Upgrade: h2c"], False),
            ([b"Connection: keep-alive", b"Content-Length: 0"], False),
            ([b"Connection: keep-alive", b"Transfer-Encoding: chunked"], False),
        ],
    )
    def test_to_keep_the_connection_alive_goes_without_saying(
        self, lines: list[bytes], plain: bool
    ) -> None:
        assert fields(*lines).plain == plain
        if plain:
            assert framing(*lines) == Framing(length=0)
            stays = any(b"alive" in line.lower() for line in lines)
            assert framing(*lines, minor=b"0") == Framing(length=0, keep_alive=stays)

    def test_only_one_expectation_is_known(self) -> None:
        assert framing(b"Expect: 100-Continue").expects
        with pytest.raises(HttpRefused) as refused:
            framing(b"Expect: 200-ok")
        assert refused.value.status == 417

    def test_a_websocket_is_asked_for_by_two_headers(self) -> None:
        assert framing(b"Connection: keep-alive, Upgrade", b"Upgrade: WebSocket").websocket
        assert not framing(b"Connection: keep-alive", b"Upgrade: websocket").websocket
        assert not framing(b"Connection: Upgrade", b"Upgrade: h2c").websocket


class TestTarget:
    @pytest.mark.parametrize(
        ("target", "expected"),
        [
            (b"/a?b=c?d", (b"/a", b"b=c?d", None)),
            (b"//a", (b"//a", b"", None)),
            (b"*", (b"*", b"", None)),
            (b"http://a.example/b?c", (b"/b", b"c", b"a.example")),
            (b"HTTPS://a.example", (b"/", b"", b"a.example")),
            (b"http://a.example?c", (b"/", b"c", b"a.example")),
            (b"/x?u=http://a/", (b"/x", b"u=http://a/", None)),
        ],
    )
    def test_it_has_a_path_a_query_and_perhaps_an_authority(
        self, target: bytes, expected: tuple[bytes, bytes, bytes | None]
    ) -> None:
        assert heads.split_target(target) == expected

    @pytest.mark.parametrize("target", [b"ftp://a/", b"http:///b", b"http://u:p@a/", b"x://"])
    def test_another_scheme_and_a_password_are_refused(self, target: bytes) -> None:
        with pytest.raises(HttpRefused):
            heads.split_target(target)
