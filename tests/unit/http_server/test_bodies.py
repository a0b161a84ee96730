"""Bodies as they arrive: of a length, and in chunks, in pieces of any size."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_seating.http_server.bodies import ChunkedBody, SizedBody
from event_seating.http_server.heads import HttpRefused

NEXT = b"GET /next HTTP/1.1\r\n"
END = b"0\r\n\r\n"
"""The last chunk."""


def chunked(parts: list[bytes]) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts if part) + b"0\r\n\r\n"


def read(body: SizedBody | ChunkedBody, pieces: list[bytes]) -> tuple[bytes, bytes]:
    """The body, and what came after it."""
    found = rest = b""
    for piece in pieces:
        if body.complete:
            rest += piece
            continue
        part = body.feed(piece)
        found += part.body
        rest += part.rest
    return found, rest


def split_at(data: bytes, places: list[int]) -> list[bytes]:
    ends = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(ends)]


class TestSized:
    @given(st.binary(max_size=50), st.lists(st.integers(0, 200), max_size=6))
    def test_it_ends_after_its_length_however_it_comes(
        self, body: bytes, places: list[int]
    ) -> None:
        reader = SizedBody(len(body))
        assert read(reader, split_at(body + NEXT, places)) == (body, NEXT)
        assert reader.complete

    def test_it_is_not_complete_before(self) -> None:
        reader = SizedBody(3)
        reader.feed(b"ab")
        assert not reader.complete


class TestChunked:
    @given(st.lists(st.binary(max_size=40), max_size=4), st.lists(st.integers(0, 400), max_size=8))
    def test_it_ends_after_its_last_chunk_however_it_comes(
        self, parts: list[bytes], places: list[int]
    ) -> None:
        reader = ChunkedBody()
        pieces = split_at(chunked(parts) + NEXT, places)
        assert read(reader, pieces) == (b"".join(parts), NEXT)
        assert reader.complete

    def test_every_place_where_it_can_be_cut_gives_the_same(self) -> None:
        sent = chunked([b"abc", b"\r\n0\r\n\r\n", b"x" * 300]) + NEXT
        for place in range(len(sent)):
            pieces = [sent[:place], sent[place:]]
            assert read(ChunkedBody(), pieces) == (b"abc\r\n0\r\n\r\n" + b"x" * 300, NEXT)

    @pytest.mark.parametrize(
        "sent",
        [
            b"z\r\n" + END,
            b"\r\n" + END,
            b"-0\r\n\r\n",
            b"-1\r\na\r\n" + END,
            b"+1\r\na\r\n" + END,
            b"+0\r\n\r\n",
            b"0x1\r\na\r\n" + END,
            b"1_0\r\n" + b"a" * 16 + b"\r\n" + END,
            b" 1\r\na\r\n" + END,
            b"\t1\r\na\r\n" + END,
            b"1 \r\na\r\n" + END,
            b"1\t\r\na\r\n" + END,
            b"1;a=b\r\na\r\n" + END,
            b"1\na\r\n" + END,
            b"1\ra\r\n" + END,
            b"1\r\na\n" + END,
            b"1\r\na" + END,
            b"1\r\nab\r\n" + END,
            b"1\r\na\r\n 0\r\n\r\n",
            b"000000001\r\na\r\n" + END,
            b"00000000000000001\r\na\r\n" + END,
            b"0\n\n",
            b"0\r\n\n",
            b"0\r\nX: trailer\r\n\r\n",
            b"0\r\nGET / HTTP/1.1\r\n\r\n",
        ],
    )
    def test_what_readers_disagree_about_is_refused(self, sent: bytes) -> None:
        # Nothing comes after it, so that a reader which accepts it has nothing left to refuse.
        for place in range(1, len(sent) + 1):
            with pytest.raises(HttpRefused) as refused:
                read(ChunkedBody(), [sent[:place], sent[place:]])
            assert refused.value.status == 400

    @pytest.mark.parametrize(
        "sent", [b" ", b"\t", b"+", b"-", b"\n", b"x", b"1 ", b"1;", b"1\n", b"1\r\r", b"123456789"]
    )
    def test_what_cannot_become_a_size_is_not_waited_for(self, sent: bytes) -> None:
        with pytest.raises(HttpRefused):
            ChunkedBody().feed(sent)

    @given(st.binary(max_size=60), st.integers(0, 60))
    def test_where_it_is_cut_decides_nothing(self, sent: bytes, place: int) -> None:
        def outcome(pieces: list[bytes]) -> object:
            reader = ChunkedBody()
            try:
                found = read(reader, pieces)
            except HttpRefused:
                return "refused"
            return found if reader.complete else "incomplete"

        whole, cut = outcome([sent]), outcome([sent[:place], sent[place:]])
        assert whole == cut
