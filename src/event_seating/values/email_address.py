"""The sender or receiver of a mail: a name and a checked address.

Owns what an e-mail address may be, for users and for the settings alike, and its normal form:
full-width letters and signs, as East Asian keyboards produce them, become the ordinary ones, and
spaces around it and invisible marks are removed. No mailbox has any of these, and two forms of one
address would be two users. Nothing here asks a name server: only sending a mail shows whether the
mailbox exists.
"""

from typing import Final, NamedTuple

import email_validator

from event_seating.values.visible_text import without_hidden

ADDRESS_CHARS_MAX: Final = 254
"""RFC 5321's path limit, less its brackets."""

# Hosts such as `localhost` or `box.test` exist in private networks, and nothing here asks a name
# server. The library is configured by this list.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()


_FULL_WIDTH: Final = {0xFF01 + at: 0x21 + at for at in range(94)}
"""The full-width forms of the printable ASCII characters."""


class Mailbox(NamedTuple):
    """A person or an office with an e-mail address."""

    name: str
    """Empty if there is none."""
    address: str
    """In the form that a mail server takes: the domain is ASCII, the part before the `@` may not
    be."""

    @property
    def domain(self) -> str:
        """The part after the `@`."""
        return self.address.rpartition("@")[2]


def checked_address(text: str) -> str:
    """The address in its normal form; a `ValueError` says what is wrong."""
    return str(_checked(text).normalized)


def mailbox(name: str, address: str) -> Mailbox:
    """A mailbox; a `ValueError` says what is wrong with the address."""
    return _mailbox(name, _checked(address))


def parse_mailbox(text: str) -> Mailbox:
    """`Name <name@host>` or `name@host`; a `ValueError` says what is wrong."""
    checked = _checked(text, display_name=True)
    return _mailbox(checked.display_name or "", checked)


def _checked(text: str, *, display_name: bool = False) -> email_validator.ValidatedEmail:
    text = without_hidden(text).strip()
    if not display_name:
        text = text.translate(_FULL_WIDTH)
        if len(text) > ADDRESS_CHARS_MAX:
            raise ValueError(f"must have at most {ADDRESS_CHARS_MAX} characters")
    try:
        checked = email_validator.validate_email(
            text,
            check_deliverability=False,
            globally_deliverable=False,
            allow_display_name=display_name,
        )
    except email_validator.EmailNotValidError as error:
        raise ValueError(f"is not an e-mail address: {error}") from None
    if len(checked.normalized) > ADDRESS_CHARS_MAX:
        raise ValueError(f"must have at most {ADDRESS_CHARS_MAX} characters")
    return checked


def _mailbox(name: str, checked: email_validator.ValidatedEmail) -> Mailbox:
    return Mailbox(name, f"{checked.local_part}@{checked.ascii_domain}")
