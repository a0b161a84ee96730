"""Whether this process serves, and whether it should be sent requests.

`/health` answers the first question: yes, as long as anything answers. `/health/ready` answers the
second: no while the process drains or its database is unavailable; yes, but `degraded`, while its
Redis is unavailable, without which it still sells seats.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from event_seating.errors import DatabaseUnavailable, RedisUnavailable

Probe = Callable[[], Awaitable[float]]
"""Asks a dependency and returns the seconds that it took; raises an error if it is unavailable."""


@dataclass(frozen=True, slots=True)
class Dependency:
    """What a dependency answered."""

    ok: bool
    latency_s: float | None


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether to send requests here."""

    status: str
    """`ok`, `degraded`, `draining` or `unavailable`."""
    dependencies: Mapping[str, Dependency]

    @property
    def ready(self) -> bool:
        """Whether to send requests here."""
        return self.status in {"ok", "degraded"}


class Health:
    """The state of this process."""

    def __init__(
        self, needed: Mapping[str, Probe], *, helpful: Mapping[str, Probe] | None = None
    ) -> None:
        self._needed = needed
        self._probes = {**needed, **(helpful or {})}
        self.draining = False

    def drain(self) -> None:
        """Report not ready from now on: this process is about to stop."""
        self.draining = True

    async def readiness(self) -> Readiness:
        """Ask every dependency."""
        answers = await asyncio.gather(*(_ask(probe) for probe in self._probes.values()))
        found = dict(zip(self._probes, answers, strict=True))
        return Readiness(self._status(found), found)

    def _status(self, found: Mapping[str, Dependency]) -> str:
        if self.draining:
            return "draining"
        unavailable = {name for name, dependency in found.items() if not dependency.ok}
        if unavailable & self._needed.keys():
            return "unavailable"
        return "degraded" if unavailable else "ok"


async def _ask(probe: Probe) -> Dependency:
    try:
        return Dependency(ok=True, latency_s=await probe())
    except (DatabaseUnavailable, RedisUnavailable, TimeoutError):
        return Dependency(ok=False, latency_s=None)
