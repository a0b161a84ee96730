"""A Python process of ours under the supervisor: started, told, watched, started again, stopped.

Owns the parent's end of the channel to it, and what a death means. Two kinds are kept: one without
which there is no service (a child that never gets ready, time after time, ends everything, and so
does one that said why it cannot start), and one beside it, which may fail for as long as it likes.
What was ready once is started again whatever kills it, after longer and longer waits if it dies
soon each time.
"""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from event_seating.clock import Clock
from event_seating.errors import StartupError
from event_seating.processes.control_channel import EXIT_CANNOT_START, GO, READY, STOP, Channel
from event_seating.settings import model
from event_seating.telemetry.logs import get_logger

STOP_WITHIN_S: Final = 23.0
"""A child that has not ended by then is killed; what is left of 25 s is for the Valkey."""

STARTS_MAX: Final = 5
"""After so many in a row of which none got ready, starting it again is not the answer."""

QUICK_DEATH_S: Final = 10.0
"""A child that dies sooner than this after its start is not started again at once."""

FIRST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 30.0
"""Between two starts of a child that keeps dying beside a service that goes on."""

LONGEST_WAIT_OF_THE_ESSENTIAL_S: Final = 2.0
"""Clients wait meanwhile, and most of them give up after a few seconds."""

_log = get_logger("supervisor")


class Program(NamedTuple):
    """What to start."""

    name: str
    """For people: `serving process`."""
    module: str
    """Run as `python -m`; takes `arguments`, then `descriptors`, then the channel's."""
    environment: dict[str, str]
    """On top of our own."""
    arguments: Sequence[str] = ()
    descriptors: Sequence[int] = ()


class Child:
    """One process, and this end of the channel to it."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], channel: Channel) -> None:
        self._name = name
        self._process = process
        self._channel = channel

    @classmethod
    async def start(cls, program: Program) -> "Child":
        """Start it; it loads its modules and waits for `begin`."""
        ours, theirs = socket.socketpair()
        with theirs:
            descriptors = (*program.descriptors, theirs.fileno())
            process = subprocess.Popen(  # noqa: ASYNC220 (returns at once)
                [sys.executable, "-m", program.module, *program.arguments, *map(str, descriptors)],
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                env=model.environment_of_a_child(**program.environment),
                # Ctrl-C reaches the whole foreground group; only the parent shall hear it.
                start_new_session=True,
            )
        return cls(program.name, process, await Channel.on(ours))

    async def begin(self) -> bool:
        """Let it do its work; whether it does."""
        self._channel.say(GO)
        return await self._channel.hears(READY)

    async def ended(self) -> int:
        """Wait until it is gone; its exit code."""
        return await asyncio.to_thread(self._process.wait)

    def forget(self) -> None:
        """It is gone: close our end of the channel."""
        self._channel.close()

    async def stop(self) -> int:
        """Let it drain and wait until it is gone; its exit code."""
        self._channel.say_last(STOP)
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                return await self.ended()
        except TimeoutError:
            _log.error(f"the {self._name} did not stop in time; killing it")
            self._process.kill()
            return await self.ended()
        finally:
            self._channel.close()


class Keeper:
    """Keeps one program running until `stop` is set."""

    def __init__(
        self,
        program: Program,
        clock: Clock,
        stop: asyncio.Event,
        *,
        essential: bool,
        on_ready: Callable[[], None],
    ) -> None:
        self._program = program
        self._clock = clock
        self._stop = stop
        self._essential = essential
        self._on_ready = on_ready
        self._quick_deaths = 0
        self._failed_starts = 0
        self._child: Child | None = None

    async def start(self) -> None:
        """Let it load its modules; `run` lets it begin."""
        self._child = await Child.start(self._program)

    async def run(self) -> int:
        """Keep it running; its exit code once it was told to stop or could not start.

        `StartupError` when an essential one never gets ready.
        """
        while True:
            child = self._child or await Child.start(self._program)
            self._child = None
            started = self._clock.monotonic()
            life = asyncio.create_task(self._live(child))
            await self._first_of(life)
            if self._stop.is_set():
                life.cancel()
                return await child.stop()
            code = life.result()
            child.forget()
            if self._essential and code == EXIT_CANNOT_START:
                return code
            self._count(self._clock.monotonic() - started)
            if self._essential and self._failed_starts >= STARTS_MAX:
                raise StartupError(
                    f"the {self._program.name} dies at once, each time (exit code {code})"
                )
            _log.error(f"{self._program.name} died; starting it again", exitCode=code)
            if await self._stopped_within(self._wait_s()):
                return code

    async def abandon(self) -> None:
        """End what `start` started, and nothing was to become of."""
        if self._child is not None:
            await self._child.stop()

    async def _live(self, child: Child) -> int:
        self._failed_starts += 1
        if await child.begin():
            self._failed_starts = 0
            self._on_ready()
        return await child.ended()

    async def _first_of(self, life: asyncio.Task[int]) -> None:
        stopped = asyncio.create_task(self._stop.wait())
        await asyncio.wait([life, stopped], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()

    def _count(self, lived_s: float) -> None:
        self._quick_deaths = self._quick_deaths + 1 if lived_s < QUICK_DEATH_S else 0

    def _wait_s(self) -> float:
        """None after a death that came late; then twice as long each time.

        Nor after the first quick one of an essential child.
        """
        deaths = self._quick_deaths - (1 if self._essential else 0)
        if deaths <= 0:
            return 0.0
        longest = LONGEST_WAIT_OF_THE_ESSENTIAL_S if self._essential else LONGEST_WAIT_S
        return min(FIRST_WAIT_S * 2.0 ** min(deaths - 1, 10), longest)

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            return False
        return True
