"""The frames of a WebSocket: the kinds of cases that the Autobahn suite lists, by its numbers."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.http_server.client_frames import (
    client_frame,
    close,
    continuation,
    ping,
    pong,
    text,
)

from event_seating.http_server import frames
from event_seating.http_server.frames import (
    FRAGMENTS_MAX,
    NO_STATUS,
    NOT_UTF8,
    PROTOCOL_ERROR,
    TOO_BIG,
    Binary,
    Close,
    MessageReader,
    Ping,
    Pong,
    Text,
    Violation,
    WebSocketEvent,
    close_frame,
    frame,
    text_frame,
)

MESSAGE_MAX = 1_024
HEADER_MAX = 14
BORDERS = [0, 1, 125, 126, 127, 128, 65_535, 65_536]
"""Sizes of payloads at which the form of the length changes."""


def read(*pieces: bytes, message_max: int = MESSAGE_MAX) -> list[WebSocketEvent]:
    """What comes of these bytes, received in these pieces."""
    reader = MessageReader(message_max)
    return [event for piece in pieces for event in reader.feed(piece)]


def by_octets(stream: bytes, *, message_max: int = MESSAGE_MAX) -> list[WebSocketEvent]:
    return read(*(bytes((octet,)) for octet in stream), message_max=message_max)


def broken(events: list[WebSocketEvent], code: int) -> bool:
    """Whether the only event is that the client violated the protocol."""
    match events:
        case [Violation(code=found)]:
            return found == code
    return False


def kept(reader: MessageReader) -> int:
    """Bytes that it keeps of what the client has sent."""
    message = reader._message
    held = 0 if message is None else len(message._payload)
    return held + len(reader._header) + len(reader._control)


class TestFraming:
    """1, 9, 10: sizes at each border."""

    @pytest.mark.parametrize("size", BORDERS)
    def test_a_message_of_each_size_is_read_whole(self, size: int) -> None:
        payload = bytes(range(256)) * (size // 256 + 1)
        stream = client_frame(frames.BINARY, payload[:size])
        assert read(stream, message_max=size) == [Binary(payload[:size])]
        assert read(text("*" * size), message_max=size) == [Text("*" * size)]

    @pytest.mark.parametrize("size", BORDERS[1:])
    def test_a_message_that_is_one_byte_too_large_is_not(self, size: int) -> None:
        assert broken(read(text("*" * size), message_max=size - 1), TOO_BIG)

    @pytest.mark.parametrize("length_size", [2, 8])
    def test_a_message_that_is_too_large_ends_at_its_header(self, length_size: int) -> None:
        size = MESSAGE_MAX + 1 if length_size == 2 else 65_536
        header = client_frame(frames.TEXT, b"*" * size, length_size=length_size)[: 6 + length_size]
        reader = MessageReader(MESSAGE_MAX)
        assert broken(reader.feed(header), TOO_BIG)
        assert kept(reader) == 0

    @pytest.mark.parametrize(
        ("size", "length_size"), [(0, 2), (125, 2), (0, 8), (126, 8), (65_535, 8)]
    )
    def test_a_length_that_is_longer_than_need_be_is_refused(
        self, size: int, length_size: int
    ) -> None:
        stream = client_frame(frames.TEXT, b"*" * size, length_size=length_size)
        assert broken(read(stream, message_max=size), PROTOCOL_ERROR)

    def test_a_length_with_the_highest_bit_is_refused(self) -> None:
        header = bytes((0x82, 0xFF)) + (1 << 63).to_bytes(8) + b"mask"
        assert broken(read(header, message_max=1 << 64), PROTOCOL_ERROR)

    def test_the_largest_length_is_only_too_large(self) -> None:
        header = bytes((0x82, 0xFF)) + ((1 << 63) - 1).to_bytes(8) + b"mask"
        assert broken(read(header), TOO_BIG)

    @pytest.mark.parametrize("opcode", [0x0, 0x1, 0x2, 0x8, 0x9, 0xA])
    def test_a_frame_without_a_mask_is_refused_at_its_second_byte(self, opcode: int) -> None:
        stream = client_frame(opcode, b"*", mask=None)
        assert broken(read(stream[:2]), PROTOCOL_ERROR)

    def test_a_mask_of_zeros_is_a_mask(self) -> None:
        assert read(client_frame(frames.TEXT, b"as it is", mask=bytes(4))) == [Text("as it is")]

    def test_the_examples_of_the_rfc_are_read(self) -> None:
        hello = bytes.fromhex("818537fa213d7f9f4d5158")
        pong_hello = bytes.fromhex("8a8537fa213d7f9f4d5158")
        assert read(hello + pong_hello) == [Text("Hello"), Pong(b"Hello")]

    @pytest.mark.parametrize("pieces", [51, FRAGMENTS_MAX])
    def test_a_message_may_come_in_many_frames(self, pieces: int) -> None:
        stream = client_frame(frames.BINARY, b"*" * 10, final=False)
        stream += client_frame(frames.CONTINUATION, b"*" * 10, final=False) * (pieces - 2)
        stream += client_frame(frames.CONTINUATION, b"*" * 10)
        assert read(stream) == [Binary(b"*" * 10 * pieces)]

    def test_it_may_not_come_in_more_although_they_are_empty(self) -> None:
        stream = text("", final=False) + continuation("", final=False) * (FRAGMENTS_MAX - 1)
        assert read(stream) == []
        assert broken(read(stream + continuation("", final=False)), TOO_BIG)
        assert broken(read(stream + continuation("")), TOO_BIG)

    def test_frames_count_for_each_message_alone(self) -> None:
        whole = text("", final=False) + continuation("", final=False) * (FRAGMENTS_MAX - 2)
        whole += continuation("")
        assert read(whole * 3) == [Text("")] * 3

    def test_all_frames_of_a_message_together_have_the_size_of_one(self) -> None:
        first = text("*" * 1_000, final=False)
        assert read(first + continuation("*" * 24)) == [Text("*" * 1_024)]
        header_of_too_much = continuation("*" * 25)[:6]
        assert broken(read(first + header_of_too_much), TOO_BIG)

    def test_sizes_count_for_each_message_alone(self) -> None:
        whole = text("*" * 1_000, final=False) + continuation("*" * 24)
        assert read(whole + text("*" * 1_024) + whole) == [Text("*" * 1_024)] * 3


class TestPings:
    """2: pings and pongs."""

    @pytest.mark.parametrize(
        "payload", [b"", b"Hello", bytes([0, 255, 254, 253, 252, 251, 0, 255]), b"\xfe" * 125]
    )
    def test_a_ping_is_read_with_its_payload(self, payload: bytes) -> None:
        assert read(ping(payload)) == [Ping(payload)]
        assert by_octets(ping(payload)) == [Ping(payload)]

    def test_one_of_126_bytes_is_refused_at_its_second_byte(self) -> None:
        assert broken(read(ping(b"\xfe" * 126)[:2]), PROTOCOL_ERROR)
        assert broken(read(pong(b"\xfe" * 126)[:2]), PROTOCOL_ERROR)

    @pytest.mark.parametrize("length_size", [2, 8])
    def test_a_short_one_with_a_long_length_is_refused(self, length_size: int) -> None:
        stream = client_frame(frames.PING, b"*", length_size=length_size)
        assert broken(read(stream), PROTOCOL_ERROR)

    def test_a_pong_that_nobody_asked_for_changes_nothing(self) -> None:
        assert read(pong() + pong(b"x") + ping(b"y")) == [Pong(b""), Pong(b"x"), Ping(b"y")]

    def test_many_are_read_in_order(self) -> None:
        payloads = [b"%d" % number for number in range(10)]
        assert read(*map(ping, payloads)) == [Ping(payload) for payload in payloads]


class TestReservedBits:
    """3."""

    @pytest.mark.parametrize("reserved", range(1, 8))
    @pytest.mark.parametrize("opcode", [0x1, 0x2, 0x8, 0x9, 0xA])
    def test_each_is_refused_after_what_came_before(self, reserved: int, opcode: int) -> None:
        events = read(text("before") + client_frame(opcode, b"", reserved=reserved) + ping())
        assert events[0] == Text("before")
        assert broken(events[1:], PROTOCOL_ERROR)

    @pytest.mark.parametrize("reserved", range(1, 8))
    def test_each_is_refused_in_a_continuation(self, reserved: int) -> None:
        rest = client_frame(frames.CONTINUATION, b"", reserved=reserved)
        assert broken(read(text("begun", final=False) + rest), PROTOCOL_ERROR)


class TestOpcodes:
    """4."""

    @pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
    @pytest.mark.parametrize("payload", [b"", b"payload"])
    def test_a_reserved_one_is_refused_after_what_came_before(
        self, opcode: int, payload: bytes
    ) -> None:
        events = read(text("before") + client_frame(opcode, payload) + ping())
        assert events[0] == Text("before")
        assert broken(events[1:], PROTOCOL_ERROR)

    @pytest.mark.parametrize("opcode", [3, 7, 11, 15])
    def test_one_is_refused_within_a_message(self, opcode: int) -> None:
        stream = text("begun", final=False) + client_frame(opcode) + continuation("")
        assert broken(read(stream), PROTOCOL_ERROR)


class TestFragments:
    """5: which frames may follow which."""

    @pytest.mark.parametrize("opcode", [frames.CLOSE, frames.PING, frames.PONG])
    def test_a_control_frame_is_not_fragmented(self, opcode: int) -> None:
        assert broken(read(client_frame(opcode, b"", final=False)[:2]), PROTOCOL_ERROR)

    def test_text_and_bytes_come_in_fragments(self) -> None:
        rest = continuation("2", final=False) + continuation("3")
        assert read(text("1", final=False) + rest) == [Text("123")]
        assert read(client_frame(frames.BINARY, b"1", final=False) + rest) == [Binary(b"123")]

    def test_control_frames_may_stand_between_them(self) -> None:
        stream = text("1", final=False) + ping(b"a") + continuation("2", final=False)
        stream += pong(b"b") + continuation("3") + ping(b"c")
        expected = [Ping(b"a"), Pong(b"b"), Text("123"), Ping(b"c")]
        assert read(stream) == expected
        assert by_octets(stream) == expected

    @pytest.mark.parametrize("final", [True, False])
    def test_there_must_be_a_message_to_continue(self, final: bool) -> None:
        events = read(text("whole") + continuation("more", final=final) + text("later"))
        assert events[0] == Text("whole")
        assert broken(events[1:], PROTOCOL_ERROR)

    @pytest.mark.parametrize("final", [True, False])
    @pytest.mark.parametrize("opcode", [frames.TEXT, frames.BINARY])
    def test_a_message_begins_only_after_the_one_before(self, opcode: int, final: bool) -> None:
        stream = text("begun", final=False) + client_frame(opcode, b"", final=final)
        assert broken(read(stream), PROTOCOL_ERROR)

    def test_empty_fragments_make_an_empty_message(self) -> None:
        stream = text("", final=False) + continuation("", final=False) + continuation("")
        assert read(stream) == [Text("")]

    def test_a_whole_message_may_follow_one_in_fragments(self) -> None:
        stream = text("1", final=False) + continuation("2")
        assert read((stream + text("3")) * 2) == [Text("12"), Text("3")] * 2


WELL_FORMED = [
    "Hello-µ@ßöäüàá-UTF-8!!".encode(),
    "κόσμε".encode(),
    *(chr(point).encode() for point in (0x00, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000)),
    *(chr(point).encode() for point in (0xFFFD, 0xFFFE, 0xFFFF, 0x1_0000, 0x10_FFFF)),
]
ILL_FORMED = [
    "κόσμε".encode() + b"\xed\xa0\x80edited",
    b"\x80",
    b"\xbf",
    b"\x80\xbf" * 3,
    *(bytes((first, 0x20)) for first in (0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xEF, 0xF0, 0xF4, 0xF5)),
    b"\xfe",
    b"\xff",
    b"\xc0\xaf",  # longer than need be
    b"\xe0\x80\xaf",
    b"\xf0\x80\x80\xaf",
    b"\xf8\x80\x80\x80\xaf",
    b"\xfc\x80\x80\x80\x80\xaf",
    b"\xc1\xbf",
    b"\xe0\x9f\xbf",
    b"\xf0\x8f\xbf\xbf",
    b"\xed\xa0\x80",  # halves of pairs
    b"\xed\xaf\xbf",
    b"\xed\xb0\x80",
    b"\xed\xbf\xbf",
    b"\xed\xa0\x80\xed\xb0\x80",
    b"\xf4\x90\x80\x80",  # beyond the last character
    b"\xf7\xbf\xbf\xbf",
]
CUT = [b"\xce", "κόσμε".encode()[:-1], b"\xe2\x82", b"\xf0\x9f\x98", b"\xf4\x8f\xbf"]

# Section 3.1 of the Unicode standard, table 3-7, and the beginnings of each of its lines.
_TAIL = rb"[\x80-\xbf]"
_BEGINS_AS_UTF8 = re.compile(
    rb"(?:[\x00-\x7f]|[\xc2-\xdf]T|\xe0[\xa0-\xbf]T|[\xe1-\xec\xee\xef]TT|\xed[\x80-\x9f]T"
    rb"|\xf0[\x90-\xbf]TT|[\xf1-\xf3]TTT|\xf4[\x80-\x8f]TT)*"
    rb"(?:[\xc2-\xdf]|\xe0(?:[\xa0-\xbf])?|[\xe1-\xec\xee\xef]T?|\xed(?:[\x80-\x9f])?"
    rb"|\xf0(?:[\x90-\xbf]T?)?|[\xf1-\xf3](?:TT?)?|\xf4(?:[\x80-\x8f]T?)?)?".replace(b"T", _TAIL)
)


def first_wrong_byte(payload: bytes) -> int | None:
    """Its index: from it on nothing that follows could make the text UTF-8."""
    for size in range(1, len(payload) + 1):
        if not _BEGINS_AS_UTF8.fullmatch(payload[:size]):
            return size - 1
    return None


class TestUTF8:
    """6."""

    @pytest.mark.parametrize("payload", WELL_FORMED)
    def test_text_is_read_wherever_it_is_cut(self, payload: bytes) -> None:
        expected = [Text(payload.decode())]
        assert read(text(payload)) == expected
        assert by_octets(text(payload)) == expected
        for at in range(len(payload) + 1):
            stream = text(payload[:at], final=False) + continuation(payload[at:])
            assert read(stream) == expected
            assert by_octets(stream) == expected

    @pytest.mark.parametrize("payload", ILL_FORMED + CUT)
    def test_what_is_not_utf_8_is_refused_wherever_it_is_cut(self, payload: bytes) -> None:
        assert broken(read(text(payload)), NOT_UTF8)
        assert broken(by_octets(text(payload)), NOT_UTF8)
        for at in range(len(payload) + 1):
            stream = text(payload[:at], final=False) + continuation(payload[at:])
            assert broken(read(stream), NOT_UTF8)

    @pytest.mark.parametrize("payload", ILL_FORMED)
    def test_it_is_refused_at_its_first_wrong_byte(self, payload: bytes) -> None:
        wrong = first_wrong_byte(payload)
        assert wrong is not None
        frame_of_more = text(payload + b"and what never comes")
        assert read(frame_of_more[: 6 + wrong]) == []
        assert broken(read(frame_of_more[: 7 + wrong]), NOT_UTF8)

    @settings(deadline=None)
    @given(st.lists(st.sampled_from([*WELL_FORMED, *ILL_FORMED, *CUT]), max_size=4).map(b"".join))
    def test_so_it_is_when_each_byte_is_a_fragment(self, payload: bytes) -> None:
        payload = payload[: FRAGMENTS_MAX - 1]
        reader, wrong = MessageReader(MESSAGE_MAX), first_wrong_byte(payload)
        assert reader.feed(text("", final=False)) == []
        for at in range(len(payload)):
            events = reader.feed(continuation(payload[at : at + 1], final=False))
            if at == wrong:
                assert broken(events, NOT_UTF8)
                return
            assert events == []
        assert wrong is None

    @pytest.mark.parametrize("payload", ILL_FORMED + CUT)
    def test_bytes_need_not_be_utf_8(self, payload: bytes) -> None:
        assert read(client_frame(frames.BINARY, payload)) == [Binary(payload)]

    def test_a_ping_within_a_character_does_not_disturb_it(self) -> None:
        stream = text(b"\xf0\x9f", final=False) + ping(b"\x98") + continuation(b"\x98\x80")
        assert read(stream) == [Ping(b"\x98"), Text("\N{GRINNING FACE}")]


class TestClosing:
    """7."""

    @pytest.mark.parametrize("later", [text("later"), ping(), close(1000), b"\xff\xff", b"\x81"])
    def test_nothing_is_read_after_a_close_frame(self, later: bytes) -> None:
        assert read(text("1") + close(1000) + later, later) == [Text("1"), Close(1000, "")]

    @pytest.mark.parametrize("later", [text("later"), ping(), close(1000)])
    def test_nothing_is_read_after_a_violation(self, later: bytes) -> None:
        assert broken(read(continuation("") + later, later), PROTOCOL_ERROR)

    def test_it_may_come_within_a_message(self) -> None:
        stream = text("begun", final=False) + close(1001) + continuation("")
        assert read(stream) == [Close(1001, "")]

    def test_it_may_be_empty(self) -> None:
        assert read(close()) == [Close(NO_STATUS, "")]

    @pytest.mark.parametrize("octet", [b"\x03", b"\x00", b"\xff"])
    def test_one_byte_is_no_code(self, octet: bytes) -> None:
        assert broken(read(client_frame(frames.CLOSE, octet)), PROTOCOL_ERROR)

    @pytest.mark.parametrize("reason", ["", "Hello World!", "*" * 123, "ü" * 61])
    def test_a_reason_is_read(self, reason: str) -> None:
        assert read(close(1000, reason.encode())) == [Close(1000, reason)]

    def test_one_of_124_bytes_is_refused(self) -> None:
        assert broken(read(close(1000, b"*" * 124)), PROTOCOL_ERROR)

    @pytest.mark.parametrize("reason", ILL_FORMED + CUT)
    def test_a_reason_that_is_not_utf_8_is_refused(self, reason: bytes) -> None:
        assert broken(read(close(1000, reason)), NOT_UTF8)

    @pytest.mark.parametrize(
        "code", [1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 3999, 4000, 4999]
    )
    def test_codes_that_may_be_sent_are_read_and_sent(self, code: int) -> None:
        assert read(close(code, b"why")) == [Close(code, "why")]
        assert close_frame(code, "why") == b"\x88\x05" + code.to_bytes(2) + b"why"

    @pytest.mark.parametrize(
        "code", [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535]
    )
    def test_the_others_are_refused(self, code: int) -> None:
        assert broken(read(close(code)), PROTOCOL_ERROR)
        if code != NO_STATUS:
            with pytest.raises(ValueError, match="not a close code"):
                close_frame(code)


class TestSending:
    @pytest.mark.parametrize(
        ("size", "header"),
        [
            (0, "8200"),
            (125, "827d"),
            (126, "827e007e"),
            (65_535, "827effff"),
            (65_536, "827f0000000000010000"),
        ],
    )
    def test_the_length_is_as_short_as_may_be(self, size: int, header: str) -> None:
        assert frame(frames.BINARY, b"*" * size) == bytes.fromhex(header) + b"*" * size

    def test_text_is_sent_as_it_is(self) -> None:
        assert text_frame("grün".encode()) == b"\x81\x05gr\xc3\xbcn"

    def test_a_reason_is_cut_between_characters(self) -> None:
        assert close_frame(1000, "*" * 122 + "ü") == b"\x88\x7c\x03\xe8" + b"*" * 122
        assert close_frame(1000, "*" * 121 + "ü") == b"\x88\x7d\x03\xe8" + b"*" * 121 + b"\xc3\xbc"

    def test_a_reason_that_cannot_be_encoded_is_sent_without_what_cannot(self) -> None:
        assert close_frame(1000, "a\ud800b") == b"\x88\x05\x03\xe8a?b"

    def test_the_answer_to_a_close_frame_without_a_code_has_none(self) -> None:
        assert close_frame(NO_STATUS, "not sent") == b"\x88\x00"

    @pytest.mark.parametrize("opcode", [frames.CLOSE, frames.PING, frames.PONG])
    def test_a_control_frame_is_short(self, opcode: int) -> None:
        assert len(frame(opcode, b"*" * 125)) == 127
        with pytest.raises(AssertionError):
            frame(opcode, b"*" * 126)


STREAMS = {
    "sizes": text("*" * 125) + text("*" * 126) + text("*" * 127) + text(""),
    "fragments": text("gr", final=False)
    + ping(b"now")
    + continuation(b"\xc3", final=False)
    + pong()
    + continuation(b"\xbcn")
    + client_frame(frames.BINARY, b"\x00\xff", mask=b"\xff\x00\x01\x80"),
    "closing": text("last") + close(4000, "tschüß".encode()) + text("not read"),
    "unmasked": text("1") + client_frame(frames.TEXT, b"2", mask=None) + text("3"),
    "reserved bits": ping(b"1") + client_frame(frames.TEXT, b"2", reserved=4) + text("3"),
    "too large": text("1") + client_frame(frames.BINARY, b"*" * 1_025),
    "too large together": text("*" * 1_000, final=False) + ping() + continuation("*" * 25),
    "not UTF-8": text("1") + text(b"abc\xff") + text("3"),
    "a long length": text("1") + client_frame(frames.TEXT, b"2", length_size=8) + text("3"),
    "one byte of a code": ping() + client_frame(frames.CLOSE, b"\x03") + ping(),
}


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_events_are_the_same_wherever_the_bytes_are_cut(stream: bytes) -> None:
    whole = read(stream)
    assert whole
    assert by_octets(stream) == whole
    for at in range(len(stream) + 1):
        assert read(stream[:at], stream[at:]) == whole
        assert read(stream[:at], stream[at : at + 1], stream[at + 1 :]) == whole


frames_of_any_kind = st.builds(
    client_frame,
    st.sampled_from([0, 1, 2, 8, 9, 10, 1, 0, 3, 15]),
    st.one_of(st.binary(max_size=20), st.sampled_from([b"*" * 125, b"*" * 400, b"\xc3"])),
    final=st.booleans(),
    reserved=st.sampled_from([0] * 15 + [4]),
    mask=st.sampled_from([b"mask", b"\x00\x01\x02\x03"] * 8 + [None]),
)
pieces_of_anything = st.lists(
    st.one_of(st.binary(max_size=40), frames_of_any_kind, st.binary(min_size=200, max_size=2_000)),
    max_size=12,
)


@settings(deadline=None, max_examples=400)
@given(pieces_of_anything, st.integers(1, 600), st.sampled_from([0, 10, 125, 1_024]))
def test_whatever_comes_becomes_events_and_little_is_kept(
    pieces: list[bytes], size: int, message_max: int
) -> None:
    stream, reader, ended = b"".join(pieces), MessageReader(message_max), False
    for at in range(0, len(stream), size):
        events = reader.feed(stream[at : at + size])
        assert not (ended and events)
        assert kept(reader) <= message_max + frames.CONTROL_PAYLOAD_MAX + HEADER_MAX
        for event in events:
            assert not ended
            ended = isinstance(event, Close | Violation)
            if isinstance(event, Text):
                assert len(event.text.encode()) <= message_max
            if isinstance(event, Binary):
                assert len(event.payload) <= message_max
    if ended:
        assert kept(reader) == 0


def test_nothing_is_kept_between_messages() -> None:
    reader = MessageReader(MESSAGE_MAX)
    reader.feed(text("1", final=False) + ping(b"2") + continuation("3") + pong() + text("4"))
    assert kept(reader) == 0
    assert reader._frame is None
    assert reader._message is None
