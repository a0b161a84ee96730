"""Whether mail is sent, and where it goes: the settings alone decide.

Apart from what sends it, so that a process which only writes jobs loads none of that.
"""

from pathlib import Path

from event_seating.settings.model import Settings


def sends_mail(settings: Settings) -> bool:
    """Whether jobs that send mail are written at all: not in production without a server."""
    return settings.smtp_url is not None or not settings.production


def folder(settings: Settings) -> Path:
    """Where mail is written in development, when there is no server."""
    return settings.data_dir / "mail"


def at_the_start(settings: Settings) -> str | None:
    """The line that the start says about mail, if it is worth one."""
    if settings.smtp_url is not None:
        return None
    if settings.production:
        return "No mail is sent: SMTP_URL is not set."
    return f"Mail is written to {folder(settings)}: SMTP_URL is not set."
