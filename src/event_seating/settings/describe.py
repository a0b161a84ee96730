"""The description of every setting for people: name, default and purpose.

`event-seating settings` prints it, and a test keeps the page of the documentation equal to it.
Reads no environment.
"""

from pathlib import Path
from typing import Any

from event_seating.settings.model import Settings


def environment_name(field: str) -> str:
    """The environment variable of a field of `Settings`."""
    return field.upper()


def described() -> list[tuple[str, str, str]]:
    """Each setting's name, default and help, in order."""
    return [
        (
            environment_name(name),
            _default_text(name, field.default),
            str(field.description),
        )
        for name, field in Settings.model_fields.items()
    ]


def as_text() -> str:
    """Every setting for a terminal."""
    return "\n".join(f"{name} = {default}\n    {help_}" for name, default, help_ in described())


def _default_text(name: str, default: Any) -> str:
    if name.endswith("_limits"):
        return ",".join(f"{window.limit}/{window.seconds}s" for window in default)
    if default is None or default == () or default == Path():
        return "(none)"
    return str(default)
