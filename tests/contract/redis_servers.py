"""The two ways to a Redis: one that we bring along, one that is named; both killed and frozen."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Protocol

from tests.support.valkey import Valkey

from event_seating.clock import SystemClock
from event_seating.valkey import embedded
from event_seating.valkey.embedded import EmbeddedValkey

WAYS = ["embedded", "named"]


class RedisServer(Protocol):
    """What the tests do to one."""

    url: str

    def kill(self) -> None:
        """End it at once; `bring_back` starts the named one again, ours comes by itself."""

    def bring_back(self) -> None:
        """See that it runs again."""

    def freeze(self) -> None:
        """Let it accept connections and answer nothing."""

    def thaw(self) -> None:
        """Let it go on."""


class Embedded:
    """Ours, under its keeper."""

    def __init__(self, valkey: EmbeddedValkey) -> None:
        self._valkey = valkey
        self.url = valkey.url

    def _send(self, number: signal.Signals) -> None:
        assert self._valkey.pid is not None
        os.kill(self._valkey.pid, number)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def bring_back(self) -> None:
        """Nothing to do."""

    def freeze(self) -> None:
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        self._send(signal.SIGCONT)


class Named:
    """Somebody's, at a URL."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey
        self.url = valkey.url
        self.kill, self.bring_back = valkey.kill, valkey.start
        self.freeze, self.thaw = valkey.freeze, valkey.thaw


@asynccontextmanager
async def running(way: str, directory: Path) -> AsyncIterator[RedisServer]:
    """One that runs, with its data in a (short) directory."""
    async with AsyncExitStack() as stack:
        if way == "named":
            valkey = Valkey(directory)
            stack.callback(valkey.kill)
            yield Named(valkey)
        else:
            binary = embedded.installed_binary()
            assert binary is not None
            ours = EmbeddedValkey(binary, directory / "data", directory / "s", SystemClock())
            yield Embedded(await stack.enter_async_context(ours))
