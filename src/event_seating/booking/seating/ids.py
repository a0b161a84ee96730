"""The ids of events, holds and bookings, and the tokens of holds.

The id of a hold or booking is the event's id and then 128 random bits, so that it names its event
and cannot be guessed. The log has the random bits alone, called `key`. A hold's token is its
id and a signature of it: there is nothing to store, and nothing that the log or a stored answer
could leak.
"""

import hmac
import os
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

EVENT_ID_CHARS: Final = 12
"""62 random bits: no two events get the same id, which need not be secret."""

KEY_BYTES: Final = 16

SIGNATURE_BYTES: Final = 16
"""128 bits, as hard to guess as the id itself."""

_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
_KEY_CHARS: Final = 22
_ID: Final = re.compile(rf"([a-z0-9]{{{EVENT_ID_CHARS}}})([A-Za-z0-9_-]{{{_KEY_CHARS}}})\Z")
_EVENT_ID: Final = re.compile(rf"[a-z0-9]{{{EVENT_ID_CHARS}}}\Z")


def new_event_id() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(EVENT_ID_CHARS))


def is_event_id(text: str) -> bool:
    """Whether this can be the id of an event at all."""
    return _EVENT_ID.match(text) is not None


def new_key() -> bytes:
    """The random bits of a new hold, booking or batch."""
    return os.urandom(KEY_BYTES)


def to_text(event_id: str, key: bytes) -> str:
    """The id of a hold or booking, as the API has it."""
    return event_id + urlsafe_b64encode(key).rstrip(b"=").decode()


def from_text(text: str) -> tuple[str, bytes] | None:
    """The event's id and the key; `None` if this is not an id."""
    match = _ID.match(text)
    if match is None:
        return None
    key = urlsafe_b64decode(match[2] + "==")
    # The last character has unused bits: only one spelling of them is accepted.
    return (match[1], key) if to_text(match[1], key) == text else None


class Tokens:
    """Makes and reads the tokens of holds, with the server's secret."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def of(self, event_id: str, hold: bytes) -> str:
        """The token of a hold."""
        text = to_text(event_id, hold)
        return text + self._signature(text)

    def read(self, token: str) -> tuple[str, bytes] | None:
        """The event's id and the hold's key; `None` if we did not make this token."""
        text, signature = token[: EVENT_ID_CHARS + _KEY_CHARS], token[EVENT_ID_CHARS + _KEY_CHARS :]
        found = from_text(text)
        if found is None or not signature.isascii():
            return None
        return found if hmac.compare_digest(signature, self._signature(text)) else None

    def _signature(self, text: str) -> str:
        # By its name the digest is found three times as fast as by its constructor.
        digest = hmac.digest(self._secret, text.encode(), "sha256")[:SIGNATURE_BYTES]
        return urlsafe_b64encode(digest).rstrip(b"=").decode()
