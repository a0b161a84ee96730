"""How a buyer without an account is known: by a cookie that we signed.

The first hold sets it. It follows from that hold's id, so that a repeated call sets the same one,
and says nothing about the hold or the person to who has not our secret.
"""

import hmac
import re
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Final

COOKIE: Final = "buyer"

COOKIE_AGE_S: Final = 30 * 86_400
"""A month: from the first look to the evening itself."""

ID_BYTES: Final = 12
SIGNATURE_BYTES: Final = 12

IN_HEADER: Final = re.compile(
    rb"(?:\A|;)[ \t]{0,8}" + COOKIE.encode() + rb"="
    rb"([A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{16})[ \t]{0,8}(?:;|\Z)"
)
"""Finds a value of the form that `Buyers` gives, as its one group, in a `Cookie` header: both parts
are 12 bytes in 16 characters. It looks at each byte a bounded number of times."""


class Buyers:
    """Makes and reads the cookies, with the server's secret."""

    def __init__(self, secret: bytes, *, secure: bool) -> None:
        self._secret = secret
        self._secure = secure

    def named_by(self, hold_id: str) -> str:
        """The new buyer whose first hold this is: the same whenever it is asked."""
        digest = hmac.digest(self._secret, b"first hold " + hold_id.encode(), sha256)
        return urlsafe_b64encode(digest[:ID_BYTES]).decode()

    def new(self, hold_id: str) -> str:
        """The value of a cookie for the new buyer whose first hold this is."""
        name = self.named_by(hold_id)
        return f"{name}.{self._signature(name)}"

    def known(self, value: str) -> str | None:
        """The buyer that this cookie names, or none if we did not make it."""
        name, dot, signature = value.partition(".")
        if not dot or not signature.isascii():
            return None
        return name if hmac.compare_digest(signature, self._signature(name)) else None

    def set_cookie(self, value: str) -> str:
        """The `Set-Cookie` header for it."""
        secure = "; Secure" if self._secure else ""
        return f"{COOKIE}={value}; Path=/; Max-Age={COOKIE_AGE_S}; HttpOnly; SameSite=Lax{secure}"

    def _signature(self, name: str) -> str:
        digest = hmac.digest(self._secret, b"buyer " + name.encode("utf-8", "replace"), sha256)
        return urlsafe_b64encode(digest[:SIGNATURE_BYTES]).decode()
