"""Times as text: RFC 3339, which says the time zone and so names one moment.

A time without a zone is refused rather than guessed: a sale that opens an hour early cannot be
taken back.
"""

import re
from datetime import UTC, datetime
from typing import Final

from event_seating.clock import MS_PER_S

_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
    r"(?P<zone>[Zz]|[+-][0-9]{2}:[0-9]{2})?\Z"
)

YEARS: Final = range(1970, 9999)
"""From the epoch to 9998: a zone's offset must not lead out of the years that `datetime` knows."""


def parse(text: str) -> int:
    """Milliseconds since the epoch; a `ValueError` says what is wrong.

    >>> parse("2023-12-08T16:30:45.123+01:00")
    1702049445123
    """
    match = _TIME.match(text)
    if match is None:
        raise ValueError("must be a time of RFC 3339, such as 2027-06-01T20:00:00+02:00")
    if match["zone"] is None:
        raise ValueError("has no time zone; end it with Z or an offset such as +02:00")
    try:
        moment = datetime.fromisoformat(text.upper().replace(" ", "T"))
    except ValueError:
        raise ValueError("is not a time that exists") from None
    if moment.year not in YEARS:
        raise ValueError(f"must be in the years {YEARS.start} to {YEARS.stop - 1}")
    ms = int(moment.timestamp()) * MS_PER_S + moment.microsecond // MS_PER_S
    if ms < 0:
        raise ValueError(f"must be in the years {YEARS.start} to {YEARS.stop - 1}")
    return ms


def to_text(ms: int) -> str:
    """`ms` since the epoch in UTC; the milliseconds are left out when zero.

    >>> to_text(1672531200000)
    '2023-01-01T00:00:00Z'
    >>> to_text(1702049445123)
    '2023-12-08T15:30:45.123Z'
    """
    seconds, millis = divmod(ms, MS_PER_S)
    # A tenth of the time of `strftime`; what is cut off is the offset.
    text = datetime.fromtimestamp(seconds, UTC).isoformat()[:19]
    return f"{text}.{millis:03d}Z" if millis else f"{text}Z"
