"""Frames against a peer that others wrote: the sans-I/O core of `websockets`, on either side."""

from typing import Final

import pytest
from hypothesis import event as note
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.http_server.client_frames import client_frame
from websockets.exceptions import PayloadTooBig
from websockets.frames import Frame as TheirFrame
from websockets.frames import Opcode
from websockets.protocol import CLIENT, OPEN, SERVER, Protocol

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

MESSAGE_MAX: Final = 300
"""Small, so that what is generated meets it."""

texts = st.text(max_size=80)
payloads = st.binary(max_size=125)
reasons = st.text(max_size=30)
codes = st.sampled_from([1000, 1001, 1003, 1011, 1013, 3000, 4429, 4999])


def their_client() -> Protocol:
    return Protocol(CLIENT, state=OPEN, max_size=None)


def sent_by(client: Protocol) -> bytes:
    return b"".join(client.data_to_send())


class TestTheyAreTheClient:
    @settings(deadline=None, max_examples=200)
    @given(st.lists(texts | st.binary(max_size=MESSAGE_MAX), max_size=8), st.integers(1, 400))
    def test_their_messages_are_read(self, messages: list[str | bytes], size: int) -> None:
        client, reader, expected = their_client(), MessageReader(MESSAGE_MAX * 4), []
        for message in messages:
            if isinstance(message, str):
                client.send_text(message.encode())
                expected.append(Text(message))
            else:
                client.send_binary(message)
                expected.append(Binary(message))
        stream = sent_by(client)
        pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
        assert [event for piece in pieces for event in reader.feed(piece)] == expected

    @settings(deadline=None)
    @given(st.lists(texts, min_size=2, max_size=8), payloads, st.booleans())
    def test_their_fragments_are_read(
        self, parts: list[str], payload: bytes, is_text: bool
    ) -> None:
        client, reader = their_client(), MessageReader(MESSAGE_MAX * 20)
        begin = client.send_text if is_text else client.send_binary
        begin(parts[0].encode(), fin=False)
        client.send_ping(payload)
        for part in parts[1:-1]:
            client.send_continuation(part.encode(), fin=False)
        client.send_pong(payload)
        client.send_continuation(parts[-1].encode(), fin=True)
        whole = "".join(parts)
        message = Text(whole) if is_text else Binary(whole.encode())
        assert reader.feed(sent_by(client)) == [Ping(payload), Pong(payload), message]

    @settings(deadline=None)
    @given(codes, reasons)
    def test_their_close_frames_are_read(self, code: int, reason: str) -> None:
        client = their_client()
        client.send_close(code, reason)
        assert MessageReader(0).feed(sent_by(client)) == [Close(code, reason)]

    @settings(deadline=None)
    @given(texts, st.binary(max_size=70_000), payloads, codes, st.text(max_size=200))
    def test_our_frames_are_read(
        self, text: str, binary: bytes, payload: bytes, code: int, reason: str
    ) -> None:
        client = their_client()
        client.receive_data(
            text_frame(text.encode())
            + frame(frames.BINARY, binary)
            + frame(frames.PING, payload)
            + frame(frames.PONG, payload)
            + close_frame(code, reason)
        )
        assert client.events_received()[:-1] == [
            TheirFrame(Opcode.TEXT, text.encode()),
            TheirFrame(Opcode.BINARY, binary),
            TheirFrame(Opcode.PING, payload),
            TheirFrame(Opcode.PONG, payload),
        ]
        assert client.close_rcvd is not None
        assert client.close_rcvd.code == code
        cut = reason.encode()[: frames.REASON_MAX].decode(errors="ignore")
        assert client.close_rcvd.reason == cut

    @pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
    def test_our_frames_are_read_at_each_border(self, size: int) -> None:
        client = their_client()
        client.receive_data(text_frame(b"*" * size))
        assert client.events_received() == [TheirFrame(Opcode.TEXT, b"*" * size)]


any_frames = st.lists(
    st.builds(
        client_frame,
        st.sampled_from([1, 1, 1, 2, 2, 0, 0, 0, 9, 10, 8, 3, 12]),
        st.one_of(
            st.binary(max_size=6),
            st.text(max_size=30).map(str.encode),
            st.sampled_from([b"\x03\xe8", b"\x03\xe8bye", b"*" * 125, b"*" * 126, b"*" * 200]),
            st.integers(MESSAGE_MAX - 1, MESSAGE_MAX + 1).map(lambda size: b"*" * size),
        ),
        final=st.sampled_from([True, True, False]),
        reserved=st.sampled_from([0] * 30 + [1, 2, 4]),
        mask=st.sampled_from([b"mask"] * 30 + [None]),
    ),
    min_size=1,
    max_size=10,
)
long_lengths = st.builds(
    client_frame,
    st.sampled_from([1, 2]),
    st.binary(max_size=20),
    length_size=st.sampled_from([2, 8]),
)


def theirs(stream: bytes) -> tuple[list[WebSocketEvent], Exception | None]:
    """The events that their server makes of it, and the violation that it then found."""
    server = Protocol(SERVER, state=OPEN, max_size=MESSAGE_MAX)
    server.receive_data(stream)
    events: list[WebSocketEvent] = []
    parts: list[TheirFrame] = []
    for received in server.events_received():
        assert isinstance(received, TheirFrame)
        payload = bytes(received.data)
        if received.opcode is Opcode.PING:
            events.append(Ping(payload))
        elif received.opcode is Opcode.PONG:
            events.append(Pong(payload))
        elif received.opcode is Opcode.CLOSE:
            assert server.close_rcvd is not None
            code = server.close_rcvd.code if payload else NO_STATUS
            events.append(Close(code, server.close_rcvd.reason))
        else:
            parts.append(received)
            if received.fin:
                whole = b"".join(bytes(part.data) for part in parts)
                is_text = parts[0].opcode is Opcode.TEXT
                events.append(Text(whole.decode(errors="replace")) if is_text else Binary(whole))
                parts = []
    return events, server.parser_exc


def is_theirs_alone(
    violation: Exception | None, expected: list[WebSocketEvent], events: list[WebSocketEvent]
) -> bool:
    """Whether they end at a control frame within a message, where section 5.4 of the RFC allows it:
    they count its payload as part of the message, and take no close before the message is whole."""
    following = events[len(expected)] if len(events) > len(expected) else None
    is_counted = isinstance(violation, PayloadTooBig) and isinstance(following, Ping | Pong | Close)
    is_early = str(violation) == "incomplete fragmented message" and isinstance(following, Close)
    return is_counted or is_early


class TestTheyAreTheServer:
    @settings(deadline=None, max_examples=600)
    @given(any_frames)
    def test_both_read_the_same_of_anything_but_text_that_is_not_utf_8(
        self, sent: list[bytes]
    ) -> None:
        expected, violation = theirs(b"".join(sent))
        is_violated = violation is not None
        events = MessageReader(MESSAGE_MAX).feed(b"".join(sent))
        last = events[-1] if events else None
        note(type(last).__name__)
        if is_theirs_alone(violation, expected, events):
            note("a control frame within a message, which they refuse")
            assert events[: len(expected)] == expected
        elif isinstance(last, Violation):
            assert last.code in {PROTOCOL_ERROR, NOT_UTF8, TOO_BIG}
            assert events[:-1] == expected[: len(events) - 1]
            assert last.code == NOT_UTF8 or (is_violated and len(events) - 1 == len(expected))
        else:
            assert events == expected
            assert not is_violated

    @settings(deadline=None)
    @given(long_lengths)
    def test_they_read_a_length_that_is_longer_than_need_be_and_we_do_not(
        self, sent: bytes
    ) -> None:
        _expected, violation = theirs(sent)
        assert violation is None
        (event,) = MessageReader(MESSAGE_MAX).feed(sent)
        assert isinstance(event, Violation)
        assert event.code == PROTOCOL_ERROR

    @pytest.mark.parametrize(
        ("size", "within", "read"),
        [
            (MESSAGE_MAX, client_frame(frames.PING, b"?"), Ping(b"?")),
            (0, client_frame(frames.CLOSE), Close(NO_STATUS, "")),
        ],
    )
    def test_they_refuse_control_frames_within_a_message_and_we_do_not(
        self, size: int, within: bytes, read: WebSocketEvent
    ) -> None:
        sent = client_frame(frames.BINARY, b"*" * size, final=False) + within
        expected, violation = theirs(sent)
        events = MessageReader(MESSAGE_MAX).feed(sent)
        assert (expected, events) == ([], [read])
        assert is_theirs_alone(violation, expected, events)

    def test_they_read_as_many_fragments_as_come_and_we_do_not(self) -> None:
        sent = client_frame(frames.TEXT, final=False)
        sent += client_frame(frames.CONTINUATION, final=False) * FRAGMENTS_MAX
        assert theirs(sent) == ([], None)
        (event,) = MessageReader(MESSAGE_MAX).feed(sent)
        assert isinstance(event, Violation)
        assert event.code == TOO_BIG
