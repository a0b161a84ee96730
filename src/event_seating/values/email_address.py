"""Who a mail is from and to: a name and an address that has been checked.

Owns what an e-mail address may be, for users and for the settings alike, and the one form of it:
full-width letters and signs, as East Asian keyboards give them, are the ordinary ones, spaces
around it and marks that nobody sees are removed. Nobody's mailbox has any of these, and two forms
of one address would be two users. Nothing here asks a name server: whether somebody reads there is
known when a mail was sent.
"""

from typing import Final, NamedTuple

import email_validator

from event_seating.values.visible_text import without_hidden

ADDRESS_CHARS_MAX: Final = 254
"""RFC 5321's path limit, less its brackets."""

# Hosts such as `localhost` or `box.test` are real ones in somebody's network, and nothing here asks
# a name server. The library takes this list as its setting.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()


_FULL_WIDTH: Final = {0xFF01 + at: 0x21 + at for at in range(94)}
"""The full-width forms of the printable ASCII characters."""


class Mailbox(NamedTuple):
    """Somebody who has an e-mail address."""

    name: str
    """Empty when there is none."""
    address: str
    """As a mail server takes it: the domain in ASCII, what stands before it perhaps not."""

    @property
    def domain(self) -> str:
        """What stands behind the `@`."""
        return self.address.rpartition("@")[2]


def checked_address(text: str) -> str:
    """The address in its normal form, for people; a `ValueError` says what is wrong."""
    return str(_checked(text).normalized)


def mailbox(name: str, address: str) -> Mailbox:
    """The mailbox of somebody; a `ValueError` says what is wrong with the address."""
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
