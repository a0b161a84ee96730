"""The types of settings that need more than pydantic knows: text parsed, checked, or `off`.

Between the parsers of `written` and `mailbox`, which know no pydantic, and the one object in
`config`. Nothing here reads the environment.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, SecretStr

from event_seating.settings.parsers import parse_smtp_url
from event_seating.values.email_address import parse_mailbox


def when_text(parse: Callable[[str], Any]) -> BeforeValidator:
    """Parse what came as text, and take as it is what code gives."""
    return BeforeValidator(lambda value: parse(value) if isinstance(value, str) else value)


def _checked_smtp_url(value: SecretStr | None) -> SecretStr | None:
    if value is not None:
        parse_smtp_url(value.get_secret_value())
    return value


def _checked_mail_from(value: str | None) -> str | None:
    if value is not None:
        parse_mailbox(value)
    return value


def _none_when_off(value: object) -> object:
    return None if isinstance(value, str) and value.strip().lower() == "off" else value


SmtpUrl = Annotated[SecretStr | None, AfterValidator(_checked_smtp_url)]
MailFrom = Annotated[str | None, AfterValidator(_checked_mail_from)]
LogDir = Annotated[Path | None, BeforeValidator(_none_when_off)]
