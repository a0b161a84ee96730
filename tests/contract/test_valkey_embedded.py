"""The Valkey that we bring along: how it runs, and that it ends with its parent."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil
import pytest
from tests.support.waiting import until

from event_seating.clock import SystemClock
from event_seating.errors import StartupError
from event_seating.valkey import embedded
from event_seating.valkey.client import connect
from event_seating.valkey.embedded import EmbeddedValkey

WITHIN_S = 20
"""Far more than anything takes."""

WAYS = ["kernel", "watcher"] if sys.platform == "linux" else ["watcher"]

PARENT = """
import asyncio, sys
from pathlib import Path
from event_seating.clock import SystemClock
from event_seating.valkey.embedded import EmbeddedValkey, installed_binary

async def main():
    here = Path(sys.argv[1])
    async with EmbeddedValkey(
        installed_binary(), here / "data", here / "s", SystemClock(), way=sys.argv[2]
    ) as valkey:
        while not (here / "s").exists():
            await asyncio.sleep(0.01)
        print(valkey.pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def here() -> Iterator[Path]:
    """A directory with a short name."""
    with tempfile.TemporaryDirectory(prefix="es-") as directory:
        yield Path(directory)


@pytest.fixture
async def valkey(here: Path) -> AsyncIterator[EmbeddedValkey]:
    binary = embedded.installed_binary()
    assert binary is not None
    async with EmbeddedValkey(binary, here / "data", here / "s", SystemClock()) as running:
        await until((here / "s").exists, WITHIN_S)
        yield running


@pytest.mark.anyio
async def test_it_has_no_port_forgets_nothing_and_is_bounded(
    valkey: EmbeddedValkey, here: Path
) -> None:
    client = connect(valkey.url)
    found = await client.config_get("*")
    await client.aclose()
    assert found["port"] == "0"
    assert found["maxmemory-policy"] == "noeviction"
    assert (found["appendonly"], found["appendfsync"]) == ("yes", "everysec")
    assert int(found["maxmemory"]) == embedded.MEMORY_MB_MAX * 1024 * 1024
    assert (here / "s").stat().st_mode & 0o777 == 0o700
    assert (here / "data").stat().st_mode & 0o777 == 0o700
    assert valkey.pid is not None
    assert os.getsid(valkey.pid) != os.getsid(0), "Ctrl-C in a terminal does not reach it"


@pytest.mark.anyio
async def test_what_it_was_told_is_there_after_a_stop(here: Path) -> None:
    binary = embedded.installed_binary()
    assert binary is not None
    for expected in (None, "kept"):
        async with EmbeddedValkey(binary, here / "data", here / "s", SystemClock()) as running:
            await until((here / "s").exists, WITHIN_S)
            client = connect(running.url)
            assert await client.get("key") == expected
            await client.set("key", "kept")
            await client.aclose()
        assert not (here / "s").exists()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("frozen", [False, True], ids=["running", "frozen"])
def test_it_ends_with_a_parent_that_is_killed(here: Path, way: str, frozen: bool) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(here), way], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        valkey = psutil.Process(int(parent.stdout.readline()))
        family = psutil.Process(parent.pid).children(recursive=True)
        assert valkey in family
        if frozen:
            valkey.suspend()
        parent.send_signal(signal.SIGKILL)
    assert psutil.wait_procs(family, timeout=WITHIN_S)[1] == []


def test_the_watcher_leaves_when_the_valkey_does(here: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(here), "watcher"], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        valkey = psutil.Process(int(parent.stdout.readline()))
        watchers = valkey.children()
        assert len(watchers) == 1
        valkey.kill()
        assert psutil.wait_procs(watchers, timeout=WITHIN_S)[1] == []
        parent.kill()


def test_a_program_that_is_named_must_be_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for named in (tmp_path / "none", tmp_path / "file", tmp_path):
        with pytest.raises(StartupError, match="VALKEY_BIN: "):
            embedded.checked_binary(named)
    assert embedded.checked_binary(None) == embedded.installed_binary()
