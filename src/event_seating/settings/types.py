"""Types of settings beyond what pydantic knows: parsed or checked text, or `off`.

They connect the parsers of `parsers` and `email_address`, which know no pydantic, with the one
object in `model`. Nothing here reads the environment.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, SecretStr

from event_seating.settings.parsers import parse_smtp_url
from event_seating.values.email_address import parse_mailbox


def when_text(parse: Callable[[str], Any]) -> BeforeValidator:
    """Parse a text; pass every other value through, as code gives it."""
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
