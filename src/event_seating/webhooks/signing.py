"""The signature of a message, as the Standard Webhooks specification says.

Its libraries, in every language, verify what is made here. While a secret is being rotated both
sign, and the header carries both signatures: a receiver that knows either is content.
"""

import secrets
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from standardwebhooks import Webhook as Signer

from event_seating.clock import MS_PER_S

SECRET_BYTES: Final = 32
"""As long as the digest; the specification asks for 24 to 64."""

MARK: Final = "whsec_"
"""The prefix by which a secret is recognised wherever it turns up."""


def new_secret() -> str:
    """A secret for a receiver, in the form that the libraries take."""
    return MARK + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def headers(message_id: str, body: str, now_ms: int, keys: Sequence[str]) -> dict[str, str]:
    """The three headers of a message that is sent now, signed with each of these secrets."""
    at = datetime.fromtimestamp(now_ms // MS_PER_S, UTC)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(now_ms // MS_PER_S),
        "webhook-signature": " ".join(Signer(key).sign(message_id, at, body) for key in keys),
    }
