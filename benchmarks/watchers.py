"""Many who watch an event over WebSockets, in a process of their own.

`python -m benchmarks.watchers PORT PATH COUNT SILENT` connects `COUNT` who read and `SILENT` who
never do, says `ready`, and for each line on its standard input answers one with what was received
since the line before: for each version of a frame when the readers had it, in seconds of the
monotonic clock, which all processes of a machine share. It ends when its input does.
"""

import asyncio
import json
import socket
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import uvloop

from benchmarks.servers import HOST, ServerError

AT_ONCE = 50
"""Handshakes that are under way at once."""

CONNECT_WITHIN_S = 300
"""Ten thousand take two minutes on a slow machine."""

HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)

LONG, LONGEST = 126, 127
"""What a frame's length says when two or eight bytes with it follow."""

Receipts = dict[int, list[float]]
"""When each frame came, by its version."""


class Watchers:
    """The process, seen from the one that started it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def received(self) -> Receipts:
        """What came since the last time."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return {int(version): times for version, times in json.loads(self._line()).items()}

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise ServerError("the watchers ended")
        return line

    def wait_until_ready(self) -> None:
        if self._line() != "ready\n":
            raise ServerError("the watchers could not connect")


@contextmanager
def watching(port: int, path: str, count: int, silent: int) -> Iterator[Watchers]:
    """So many who watch, for as long as the block lasts."""
    arguments = [sys.executable, "-m", "benchmarks.watchers", str(port), path, str(count)]
    process = subprocess.Popen(
        [*arguments, str(silent)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        watchers = Watchers(process)
        watchers.wait_until_ready()
        yield watchers
    finally:
        process.kill()
        process.wait()


async def _main(port: int, path: str, count: int, silent: int) -> None:
    receipts: defaultdict[int, list[float]] = defaultdict(list)
    turns = asyncio.Semaphore(AT_ONCE)
    unread = [_never_reading(port, path) for _ in range(silent)]
    reading: list[asyncio.Task[None]] = []

    async def come() -> None:
        async with turns:
            reader, writer = await asyncio.open_connection(HOST, port)
            writer.write(HANDSHAKE.format(path=path, host=HOST).encode())
            head = await reader.readuntil(b"\r\n\r\n")
            assert b" 101 " in head, head
            await _frame(reader)
        reading.append(asyncio.create_task(_read(reader, writer, receipts)))

    async with asyncio.timeout(CONNECT_WITHIN_S):
        await asyncio.gather(*(come() for _ in range(count)))
    print("ready", flush=True)
    asked: asyncio.Queue[str] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def listen() -> None:
        for line in iter(sys.stdin.readline, ""):
            loop.call_soon_threadsafe(asked.put_nowait, line)
        loop.call_soon_threadsafe(asked.put_nowait, "")

    threading.Thread(target=listen, daemon=True).start()
    while await asked.get():
        assert not any(task.done() for task in reading), "a watcher was cut off"
        print(json.dumps(receipts), flush=True)
        receipts.clear()
    del unread


def _never_reading(port: int, path: str) -> socket.socket:
    """A connection whose client reads nothing, and has no room for anything."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect((HOST, port))
    connection.sendall(HANDSHAKE.format(path=path, host=HOST).encode())
    return connection


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, receipts: Any) -> None:
    while True:
        text = await _frame(reader)
        receipts[json.loads(text)["version"]].append(monotonic())
        assert not writer.is_closing()


async def _frame(reader: asyncio.StreamReader) -> bytes:
    """The next frame's text; a server's frames are not masked."""
    _, size = await reader.readexactly(2)
    if size == LONG:
        size = int.from_bytes(await reader.readexactly(2), "big")
    elif size == LONGEST:
        size = int.from_bytes(await reader.readexactly(8), "big")
    return await reader.readexactly(size)


if __name__ == "__main__":
    uvloop.run(_main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
