"""Whether mail is sent, and where it goes: the settings alone decide.

A module of its own, so that a process which only writes jobs need not load what sends mail.
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
    """The log line about mail at the start, if there is one."""
    if settings.smtp_url is not None:
        return None
    if settings.production:
        return "No mail is sent: SMTP_URL is not set."
    return f"Mail is written to {folder(settings)}: SMTP_URL is not set."
