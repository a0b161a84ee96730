"""Every setting, read once from the environment into one frozen object.

Nothing else in the package looks at the environment. Each setting has its unit in its name or its
help, a default that is right for a first try on one machine, and a check: a bad value stops the
start with one line that names it. `event-seating settings` prints this page.
"""

import ipaddress
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AliasChoices,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from event_seating.errors import StartupError

ADMIN_KEY_MIN_CHARS = 24
"""A key of this length from a random generator cannot be guessed over a network."""

WINDOWS_MAX = 4
"""More windows than anyone needs; each costs a look at every request."""

WINDOW_COUNT_MAX = 1_000_000
"""A client's ring holds this many times at the most (8 MB)."""

WINDOW_SECONDS_MAX = 86_400
"""A day: a client is remembered for as long as its longest window."""


class AppEnv(StrEnum):
    """What the process is run for; staging obeys production's rules."""

    development = "development"
    test = "test"
    staging = "staging"
    production = "production"


class LogLevel(StrEnum):
    """The least urgent lines that are written."""

    debug = "debug"
    info = "info"
    warning = "warning"
    error = "error"


class Window(tuple[int, int]):
    """One window of a rate limit: at most `limit` requests in any `seconds` seconds."""

    __slots__ = ()

    def __new__(cls, limit: int, seconds: int) -> Self:
        """At most `limit` requests in any `seconds` seconds."""
        return super().__new__(cls, (limit, seconds))

    @property
    def limit(self) -> int:
        """How many requests."""
        return self[0]

    @property
    def seconds(self) -> int:
        """In how long a time."""
        return self[1]


def parse_windows(text: str) -> tuple[Window, ...]:
    """Windows written as `5/10s,10/60s`, or none for `off`; a `ValueError` says what is wrong."""
    if text.strip().lower() == "off":
        return ()
    windows = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,7})/(\d{1,5})s\s*", part)
        if not match:
            raise ValueError("write windows as `5/10s,10/60s`, or `off`")
        limit, seconds = int(match[1]), int(match[2])
        if not (1 <= limit <= WINDOW_COUNT_MAX and 1 <= seconds <= WINDOW_SECONDS_MAX):
            raise ValueError(
                f"a window takes 1 to {WINDOW_COUNT_MAX} requests in 1 to {WINDOW_SECONDS_MAX} s"
            )
        windows.append(Window(limit, seconds))
    if len(windows) > WINDOWS_MAX:
        raise ValueError(f"at most {WINDOWS_MAX} windows")
    return tuple(windows)
