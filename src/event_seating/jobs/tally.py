"""What workers have done, by queue, name and outcome: counted here, summed over all processes.

Some processes do jobs and others answer `/metrics`. So each worker regularly adds its counts to a
hash in Redis, from which every process reads them. If Redis loses them, they begin at zero again,
like any counter after a restart. Names are those of handlers, so that the hash has a bound.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple

from redis.asyncio import Redis

from event_seating.errors import RedisUnavailable
from event_seating.valkey.client import errors_as_unavailable

KEY: Final = "event-seating:jobs:tally"

BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""A job of the database takes some milliseconds, a mail a second, an import a minute."""

OTHER: Final = "other"
"""Stands for the name of every job without a handler."""

_SUM: Final = "sum_us"
_COUNT: Final = "count"


class OutcomeCount(NamedTuple):
    """How often attempts at a kind of job had an outcome."""

    queue: str
    name: str
    outcome: str
    number: int


class DurationCounts(NamedTuple):
    """How long the attempts of a kind of job took."""

    queue: str
    name: str
    buckets: Mapping[float, int]
    """How many took at most this many seconds."""
    number: int
    sum_s: float


class Tallied(NamedTuple):
    """All that was counted."""

    attempts: list[OutcomeCount]
    durations: list[DurationCounts]


class JobTally:
    """Counts in memory until `flush` adds them to the others'."""

    def __init__(self, names: Mapping[str, object]) -> None:
        self._names = names
        self._counted: Counter[str] = Counter()

    def observe(self, queue: str, name: str, outcome: str, seconds: float) -> None:
        """Count one attempt; `outcome` is that of its `JobEnd`."""
        kind = f"{queue}|{name if name in self._names else OTHER}"
        self._counted[f"{kind}|outcome|{outcome}"] += 1
        self._counted[f"{kind}|time|{_COUNT}"] += 1
        self._counted[f"{kind}|time|{_SUM}"] += int(seconds * 1_000_000)
        for bound in BUCKETS_S:
            if seconds <= bound:
                self._counted[f"{kind}|time|{bound}"] += 1
                break

    async def flush(self, redis: Redis) -> None:
        """Add the counts to those of all processes; raises `RedisUnavailable` and keeps them."""
        if not self._counted:
            return
        counted, self._counted = self._counted, Counter()
        try:
            async with errors_as_unavailable(), redis.pipeline(transaction=True) as pipe:
                for field, number in counted.items():
                    pipe.hincrby(KEY, field, number)
                await pipe.execute()
        except RedisUnavailable:
            # Whether they arrived is unknown; counting them twice is better than never.
            self._counted += counted
            raise


async def read(redis: Redis) -> Tallied:
    """What all processes counted; raises `RedisUnavailable`."""
    async with errors_as_unavailable():
        found = await redis.hgetall(KEY)
    attempts = []
    times: dict[tuple[str, str], dict[str, int]] = {}
    for field, number in found.items():
        queue, name, kind, what = str(field).split("|", 3)
        if kind == "outcome":
            attempts.append(OutcomeCount(queue, name, what, int(number)))
        else:
            times.setdefault((queue, name), {})[what] = int(number)
    return Tallied(attempts, [_durations(kind, counts) for kind, counts in times.items()])


def _durations(kind: tuple[str, str], counts: Mapping[str, int]) -> DurationCounts:
    within = 0
    buckets = {}
    for bound in BUCKETS_S:
        within += counts.get(str(bound), 0)
        buckets[bound] = within
    return DurationCounts(*kind, buckets, counts.get(_COUNT, 0), counts.get(_SUM, 0) / 1_000_000)
