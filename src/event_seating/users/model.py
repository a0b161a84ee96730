"""What a user is, and which values the fields may have.

Pure: takes text, and returns a value or raises an error. The rules of the fields are here and
nowhere else; the API's schema is made from them. Knows neither the database nor HTTP.
"""

import re
from typing import Final

import msgspec

from event_seating.values import rfc3339
from event_seating.values.email_address import ADDRESS_CHARS_MAX, checked_address

USER_ID_CHARS_MAX: Final = 64
"""Long enough for a UUID or a hash in hex, short enough for every log line and index."""

USER_ID_PATTERN: Final = rf"^[A-Za-z0-9._~-]{{1,{USER_ID_CHARS_MAX}}}$"
"""The characters that a path carries without escaping."""

EMAIL_CHARS_MAX: Final = ADDRESS_CHARS_MAX

USER_ID: Final = re.compile(USER_ID_PATTERN.removesuffix("$") + r"\Z")


class User(msgspec.Struct, frozen=True):
    """A user, as the database keeps it."""

    id: str
    name: str
    email: str
    created_at_ms: int

    def encode(self) -> bytes:
        """The JSON that every answer about this user carries."""
        return msgspec.json.encode(
            {
                "id": self.id,
                "name": self.name,
                "email": self.email,
                "createdAt": rfc3339.to_text(self.created_at_ms),
            }
        )


def is_user_id(text: str) -> bool:
    """Whether this can be the id of a user at all."""
    return USER_ID.match(text) is not None


def checked_id(text: str) -> str:
    """The id as it is; a `ValueError` says what is wrong."""
    if not is_user_id(text):
        raise ValueError(f"must have 1 to {USER_ID_CHARS_MAX} letters, digits or any of . _ ~ -")
    return text


def checked_email(text: str) -> str:
    """The address in its normal form and lower case; a `ValueError` says what is wrong with it."""
    return checked_address(text).lower()
