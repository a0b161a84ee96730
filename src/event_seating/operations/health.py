"""Whether this process serves, and whether it should be sent requests.

`/health` says the first, which is true as long as anything answers. `/health/ready` says the
second: no while the process drains or its database is away.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from event_seating.errors import DatabaseUnavailable

Probe = Callable[[], Awaitable[float]]
"""Asks a dependency; seconds that it took, or `DatabaseUnavailable`."""


@dataclass(frozen=True, slots=True)
class Dependency:
    """What a dependency answered."""

    ok: bool
    latency_s: float | None


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether to send requests here."""

    status: str
    """`ok`, `draining` or `unavailable`."""
    dependencies: Mapping[str, Dependency]

    @property
    def ready(self) -> bool:
        """Whether to send requests here."""
        return self.status == "ok"


class Health:
    """The state of this process."""

    def __init__(self, probes: Mapping[str, Probe]) -> None:
        self._probes = probes
        self.draining = False

    def drain(self) -> None:
        """Be not ready from now on: this process is about to stop."""
        self.draining = True

    async def readiness(self) -> Readiness:
        """Ask every dependency."""
        found = {name: await _ask(probe) for name, probe in self._probes.items()}
        if self.draining:
            return Readiness("draining", found)
        fine = all(dependency.ok for dependency in found.values())
        return Readiness("ok" if fine else "unavailable", found)


async def _ask(probe: Probe) -> Dependency:
    try:
        return Dependency(ok=True, latency_s=await probe())
    except (DatabaseUnavailable, TimeoutError):
        return Dependency(ok=False, latency_s=None)
