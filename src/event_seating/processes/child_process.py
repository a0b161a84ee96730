"""A child process of the supervisor: started, watched, restarted and stopped.

Owns the parent's end of the control channel, and what the death of a child means. There are two
kinds of children. Without an essential one there is no service: if it repeatedly fails to become
ready, or exits saying that it cannot start, everything ends. The other kind may fail for as long as
it likes. A child that was ready once is always restarted, after longer and longer waits if it keeps
dying soon.
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
"""A child that has not ended by then is killed; the rest of 25 s is for the Valkey."""

STARTS_MAX: Final = 5
"""After this many starts in a row without getting ready, another start will not help."""

QUICK_DEATH_S: Final = 10.0
"""A child that dies sooner than this after its start is not restarted at once."""

FIRST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 30.0
"""The longest wait between two starts of a child that is not essential."""

LONGEST_WAIT_OF_THE_ESSENTIAL_S: Final = 2.0
"""For an essential child: clients wait, and most give up after a few seconds."""

_log = get_logger("supervisor")


class Program(NamedTuple):
    """The program of a child process."""

    name: str
    """Its name in the log, such as `serving process`."""
    module: str
    """Run as `python -m`, with `arguments`, then `descriptors`, then the channel's descriptor."""
    environment: dict[str, str]
    """Added to this process's own environment."""
    arguments: Sequence[str] = ()
    descriptors: Sequence[int] = ()


class Child:
    """A child process, and the parent's end of its control channel."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], channel: Channel) -> None:
        self._name = name
        self._process = process
        self._channel = channel

    @classmethod
    async def start(cls, program: Program) -> "Child":
        """Start the process; it loads its modules and waits for `begin`."""
        ours, theirs = socket.socketpair()
        with theirs:
            descriptors = (*program.descriptors, theirs.fileno())
            process = subprocess.Popen(  # noqa: ASYNC220 (returns at once)
                [sys.executable, "-m", program.module, *program.arguments, *map(str, descriptors)],
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                env=model.environment_of_a_child(**program.environment),
                # Ctrl-C reaches the whole foreground group; only the parent may react to it.
                start_new_session=True,
            )
        return cls(program.name, process, await Channel.on(ours))

    async def begin(self) -> bool:
        """Let it begin its work; whether it became ready."""
        self._channel.say(GO)
        return await self._channel.hears(READY)

    async def ended(self) -> int:
        """Wait until it has ended; its exit code."""
        return await asyncio.to_thread(self._process.wait)

    def forget(self) -> None:
        """Close the channel to a process that has ended."""
        self._channel.close()

    async def stop(self) -> int:
        """Let it drain, and wait until it has ended; its exit code."""
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
        """Start the program, which loads its modules; `run` lets it begin."""
        self._child = await Child.start(self._program)

    async def run(self) -> int:
        """Keep it running; its exit code, once it has been stopped or could not start.

        Raises `StartupError` if an essential one never becomes ready.
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
        """Stop the process that `start` started, if `run` was never called."""
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
        """No wait after a long life, then twice as long each time.

        There is also none after the first quick death of an essential child.
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
