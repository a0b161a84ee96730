"""The frames of a WebSocket (RFC 6455): those that a server sends, and those that it reads.

Owns their bytes: frames to send are made of payloads, and what a client sent becomes events. It is
strict: what the RFC forbids ends the connection, text that is not UTF-8 does so at its first wrong
byte, and a message that is too large at the header of its frame, before anything of it is kept.
Between messages a connection keeps about 100 bytes here. Why not a library: `websockets` keeps
1,200 or more, looks at reserved bits only after it has taken the payload in, accepts lengths that
are longer than need be, and leaves the UTF-8 of text to its caller.

There are no extensions (compression keeps a window for each connection) and no subprotocols. It
does no I/O, and whoever reads the events answers them: a `Ping` by a pong, a `Close` by a close
frame, a `Violation` by a close frame with its code.
"""

import re
from codecs import utf_8_decode
from typing import Final

import msgspec

CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
"""This opcode and those above it are of control frames."""
PING: Final = 0x9
PONG: Final = 0xA
_OPCODES: Final = frozenset({CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG})

CONTROL_PAYLOAD_MAX: Final = 125
"""Bytes in a control frame, by the RFC, so that its length fits into one byte."""

REASON_MAX: Final = CONTROL_PAYLOAD_MAX - 2
"""Bytes of a close frame's reason, in UTF-8, after the two of its code."""

FRAGMENTS_MAX: Final = 64
"""Frames that one message may come in. Empty ones could come for ever within any size."""

PROTOCOL_ERROR: Final = 1002
NO_STATUS: Final = 1005
"""Stands for a close frame without a code; never sent itself."""
NOT_UTF8: Final = 1007
TOO_BIG: Final = 1009

_FINAL: Final = 0x80
_RESERVED_BITS: Final = 0x70
_OPCODE_BITS: Final = 0x0F
_MASKED: Final = 0x80
_LENGTH_BITS: Final = 0x7F
_MASK_SIZE: Final = 4
_LENGTH_16: Final = 126
"""Instead of a length: it stands in the next two bytes."""
_LENGTH_64: Final = 127
"""Instead of a length: it stands in the next eight bytes."""
_LENGTH_16_MAX: Final = 0xFFFF
_LENGTH_64_MAX: Final = 0x7FFF_FFFF_FFFF_FFFF
"""The highest bit must not be set."""
_EXTENDED: Final = {_LENGTH_16: (2, _LENGTH_16), _LENGTH_64: (8, _LENGTH_16_MAX + 1)}
"""How many bytes the length then has, and the least that may stand there."""

_TEXT_NOT_UTF8: Final = "The text is not UTF-8."
_BEGINS_SURROGATE: Final = re.compile(rb"\xed[\xa0-\xbf]")
"""Never UTF-8, but Python's decoder waits for the third byte before it says so."""

_CODES: Final = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000)})
"""The close codes that may be sent: registered by IANA, of libraries, of applications."""


def frame(opcode: int, payload: bytes) -> bytes:
    """A whole message, or a control frame, as a server sends it: final and without a mask."""
    assert opcode < CLOSE or len(payload) <= CONTROL_PAYLOAD_MAX, "a control frame is short"
    size = len(payload)
    if size < _LENGTH_16:
        return bytes((_FINAL | opcode, size)) + payload
    if size <= _LENGTH_16_MAX:
        return bytes((_FINAL | opcode, _LENGTH_16)) + size.to_bytes(2) + payload
    return bytes((_FINAL | opcode, _LENGTH_64)) + size.to_bytes(8) + payload


def text_frame(text: bytes) -> bytes:
    """A whole message of text, which is UTF-8 already."""
    return frame(TEXT, text)


def close_frame(code: int, reason: str = "") -> bytes:
    """A close frame, its reason cut to `REASON_MAX`; an empty one for `NO_STATUS`.

    Raises `ValueError` for a code that may not be sent.
    """
    if code == NO_STATUS:
        return frame(CLOSE, b"")
    if code not in _CODES:
        raise ValueError(f"{code} is not a close code that may be sent")
    cut = reason.encode(errors="replace")[:REASON_MAX].decode(errors="ignore")
    return frame(CLOSE, code.to_bytes(2) + cut.encode())


class Text(msgspec.Struct, frozen=True, gc=False):
    """A message of text."""

    text: str


class Binary(msgspec.Struct, frozen=True, gc=False):
    """A message of bytes."""

    payload: bytes


class Ping(msgspec.Struct, frozen=True, gc=False):
    """To be answered by a pong with the same payload."""

    payload: bytes


class Pong(msgspec.Struct, frozen=True, gc=False):
    """The answer to a ping, or a sign of life that nobody asked for."""

    payload: bytes


class Close(msgspec.Struct, frozen=True, gc=False):
    """The client sends nothing more; the code is `NO_STATUS` if it named none."""

    code: int
    reason: str


class Violation(msgspec.Struct, frozen=True, gc=False):
    """The client broke the protocol or a bound: the close code and reason to end with."""

    code: int
    reason: str


WebSocketEvent = Text | Binary | Ping | Pong | Close | Violation


class MessageReader:
    """Reads what one client sends, in pieces of any size.

    It keeps at most `message_max` bytes of a message (of all its frames together), beside it the
    payload of one control frame, and less than the 14 bytes of the longest header. After a `Close`
    or a `Violation`, which are the last events, it reads nothing.
    """

    __slots__ = ("_control", "_ended", "_frame", "_header", "_message", "_message_max")

    def __init__(self, message_max: int) -> None:
        self._message_max = message_max
        self._header = b""
        """The beginning of a header that has not come whole."""
        self._frame: _Frame | None = None
        """The frame whose payload has not come whole."""
        self._control = b""
        """The part of a control frame's payload that has come."""
        self._message: _Message | None = None
        """The message whose frames have not all come."""
        self._ended = False

    def feed(self, received: bytes) -> list[WebSocketEvent]:
        """What these bytes make complete, in order."""
        events: list[WebSocketEvent] = []
        if not self._ended:
            try:
                self._read(self._header + received, events)
            except _Violated as violated:
                events.append(Violation(violated.code, violated.reason))
                self._end()
        return events

    def _read(self, data: bytes, events: list[WebSocketEvent]) -> None:
        at = 0
        while not self._ended:
            frame = self._frame
            if frame is None:
                header = _frame_at(data, at)
                if header is None:
                    self._header = data[at:]
                    return
                frame, at = header
                self._begin(frame)
            payload = data[at : at + frame.left]
            at += len(payload)
            self._take(frame, frame.unmasked(payload), events)
            if frame.left:
                return

    def _begin(self, frame: "_Frame") -> None:
        """Check what a header may be at this point, before anything of the payload is kept."""
        if frame.opcode < CLOSE:
            if self._message is not None:
                self._message.begin_frame(frame, self._message_max)
            elif frame.opcode == CONTINUATION:
                raise _Violated(PROTOCOL_ERROR, "There is no message to continue.")
            else:
                _check_size(frame.left, self._message_max)
        self._frame, self._header = frame, b""

    def _take(self, frame: "_Frame", payload: bytes, events: list[WebSocketEvent]) -> None:
        """Take in the next part of a frame's payload, which may be the last or the only one."""
        event: WebSocketEvent | None
        if frame.opcode < CLOSE:
            event = self._take_of_message(frame, payload)
        else:
            event = self._take_of_control(frame, payload)
        if not frame.left:
            self._frame = None
        if event is not None:
            events.append(event)
            if isinstance(event, Close):
                self._end()

    def _take_of_message(self, frame: "_Frame", payload: bytes) -> Text | Binary | None:
        message, last = self._message, frame.final and not frame.left
        if message is None:
            if last:
                return _data_event(frame.opcode, payload)
            message = self._message = _Message(frame)
        message.add(payload)
        if not last:
            return None
        self._message = None
        return message.event()

    def _take_of_control(self, frame: "_Frame", payload: bytes) -> Ping | Pong | Close | None:
        payload = self._control + payload
        if frame.left:
            self._control = payload
            return None
        self._control = b""
        return _control_event(frame.opcode, payload)

    def _end(self) -> None:
        self._ended = True
        self._header = self._control = b""
        self._frame = self._message = None


class _Violated(Exception):
    """Ends the reading of a connection; `feed` makes the last event of it."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class _Frame:
    """A frame's header, and how much of its payload is still to come."""

    __slots__ = ("_mask", "final", "left", "opcode", "size")

    def __init__(self, opcode: int, final: bool, size: int, mask: bytes) -> None:
        self.opcode = opcode
        self.final = final
        self.size = size
        self.left = size
        self._mask = mask

    def unmasked(self, payload: bytes) -> bytes:
        """The next part of the payload as it was before the client masked it."""
        size = len(payload)
        self.left -= size
        key = (self._mask * (size // 4 + 1))[:size]
        if self.left:
            turned = size % 4
            self._mask = self._mask[turned:] + self._mask[:turned]
        # One operation on two large integers: the fastest XOR of bytes without a dependency.
        return (int.from_bytes(payload) ^ int.from_bytes(key)).to_bytes(size)


class _Message:
    """What has come of a message that did not come at once."""

    __slots__ = ("_frames", "_opcode", "_payload", "_size", "_valid")

    def __init__(self, first: _Frame) -> None:
        self._opcode = first.opcode
        self._payload = bytearray()
        self._frames = 1
        self._size = first.size
        """Bytes of the message up to the end of the frame that has begun."""
        self._valid = 0
        """Bytes that are known to be whole characters."""

    def begin_frame(self, frame: _Frame, message_max: int) -> None:
        """Allow for one more frame, or raise `_Violated`."""
        if frame.opcode != CONTINUATION:
            raise _Violated(PROTOCOL_ERROR, "The message before is not complete.")
        self._frames += 1
        if self._frames > FRAGMENTS_MAX:
            raise _Violated(TOO_BIG, f"A message has at most {FRAGMENTS_MAX} frames.")
        self._size += frame.size
        _check_size(self._size, message_max)

    def add(self, payload: bytes) -> None:
        """Take in a part; raises `_Violated` if the text cannot become UTF-8 any more."""
        self._payload += payload
        if self._opcode == TEXT:
            try:
                self._valid += utf_8_decode(self._payload[self._valid :], "strict", False)[1]
            except UnicodeDecodeError:
                raise _Violated(NOT_UTF8, _TEXT_NOT_UTF8) from None
            if _BEGINS_SURROGATE.match(self._payload, self._valid):
                raise _Violated(NOT_UTF8, _TEXT_NOT_UTF8)

    def event(self) -> Text | Binary:
        """The whole message; raises `_Violated` if its text ends within a character."""
        return _data_event(self._opcode, bytes(self._payload))


def _frame_at(data: bytes, at: int) -> tuple[_Frame, int] | None:
    """The frame that begins there and where its payload does; None if its header is not whole.

    Raises `_Violated` for a header that no client may send at any point.
    """
    if len(data) < at + 2:
        return None
    first, second = data[at], data[at + 1]
    _check_bits(first, second)
    size, end = second & _LENGTH_BITS, at + 2
    extended, shortest = _EXTENDED.get(size, (0, 0))
    end += extended
    masked = end + _MASK_SIZE
    if len(data) < masked:
        return None
    if extended:
        size = int.from_bytes(data[at + 2 : end])
        if not shortest <= size <= _LENGTH_64_MAX:
            raise _Violated(PROTOCOL_ERROR, "The length is not written as it must be.")
    return _Frame(first & _OPCODE_BITS, bool(first & _FINAL), size, data[end:masked]), masked


def _check_bits(first: int, second: int) -> None:
    """Check the two bytes that every header begins with."""
    opcode = first & _OPCODE_BITS
    if first & _RESERVED_BITS:
        raise _Violated(PROTOCOL_ERROR, "Reserved bits are set.")
    if opcode not in _OPCODES:
        raise _Violated(PROTOCOL_ERROR, "The opcode is reserved.")
    if not second & _MASKED:
        raise _Violated(PROTOCOL_ERROR, "A client's frames must be masked.")
    if opcode >= CLOSE:
        if not first & _FINAL:
            raise _Violated(PROTOCOL_ERROR, "A control frame must not be fragmented.")
        if second & _LENGTH_BITS > CONTROL_PAYLOAD_MAX:
            raise _Violated(PROTOCOL_ERROR, "A control frame has at most 125 bytes.")


def _check_size(size: int, message_max: int) -> None:
    if size > message_max:
        raise _Violated(TOO_BIG, f"A message has at most {message_max} bytes.")


def _data_event(opcode: int, payload: bytes) -> Text | Binary:
    if opcode == BINARY:
        return Binary(payload)
    try:
        return Text(payload.decode())
    except UnicodeDecodeError:
        raise _Violated(NOT_UTF8, _TEXT_NOT_UTF8) from None


def _control_event(opcode: int, payload: bytes) -> Ping | Pong | Close:
    if opcode == PING:
        return Ping(payload)
    if opcode == PONG:
        return Pong(payload)
    if not payload:
        return Close(NO_STATUS, "")
    code = int.from_bytes(payload[:2])
    if code not in _CODES:  # nor is one byte alone
        raise _Violated(PROTOCOL_ERROR, "The close code is not one that may be sent.")
    try:
        return Close(code, payload[2:].decode())
    except UnicodeDecodeError:
        raise _Violated(NOT_UTF8, "The reason for closing is not UTF-8.") from None
