"""Ids for new jobs, made of the time and random numbers."""

import time
from secrets import token_hex
from typing import Final

from event_seating.clock import NS_PER_MS

JOB_ID_BYTES: Final = 16
"""Of which `_RANDOM_BYTES`, 80 bits, are random, so that an id cannot be guessed."""

_RANDOM_BYTES: Final = 10


def new_job_id() -> str:
    """An id for a new job; a mail's Message-ID and a webhook's delivery carry it too.

    It begins with the time, so that new rows are neighbours in an index and a transaction with many
    of them writes few of its pages. Nothing else depends on that time.
    """
    return f"job-{time.time_ns() // NS_PER_MS:012x}{token_hex(_RANDOM_BYTES)}"
