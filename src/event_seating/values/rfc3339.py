"""Reading a time that a client wrote: RFC 3339, with the zone that makes it one moment.

`clock.rfc3339` is the way back. A time without a zone is refused rather than guessed: a sale that
opens an hour early is opened for ever.
"""

import re
from datetime import datetime
from typing import Final

from event_seating.clock import MS_PER_S

_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
    r"(?P<zone>[Zz]|[+-][0-9]{2}:[0-9]{2})?\Z"
)

YEARS: Final = range(1970, 9999)
"""From the epoch that times are counted from, to a year before the last that has four digits: a
zone's offset must not reach beyond it."""


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
