"""A client of live updates as a page is one: reads the snapshot, connects, applies, comes back."""

import asyncio
import json
from contextlib import suppress
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake


class Watcher:
    """What a client knows of an event, and how often it had to read everything again."""

    def __init__(self, url: str, event: str) -> None:
        self.url = url
        self.event = event
        self.version = -1
        self.epoch = ""
        self.seats: dict[str, str] = {}
        self.areas: dict[str, Any] = {}
        self.reloads = 0
        self.drops = 0
        self.moved = asyncio.Event()
        """Set whenever a frame was applied."""

    async def read_snapshot(self, http: httpx.AsyncClient) -> None:
        answer = await http.get(f"{self.url}/events/{self.event}/seats")
        assert answer.status_code == 200
        body = answer.json()
        self.version, self.epoch = body["version"], body["epoch"]
        self.seats, self.areas = body["seats"], body["areas"]

    def connect(self) -> connect:
        address = self.url.replace("http", "ws", 1)
        query = f"since={self.version}&epoch={self.epoch}"
        # The messages of this client's library are heartbeats of its own: they are not needed.
        return connect(
            f"{address}/events/{self.event}/live?{query}", ping_interval=None, proxy=None
        )

    async def take(self, connection: ClientConnection, http: httpx.AsyncClient) -> None:
        """Wait for one frame and apply it."""
        frame = json.loads(await connection.recv())
        if frame.get("reload"):
            self.reloads += 1
            await self.read_snapshot(http)
        elif frame["version"] > self.version:
            self.seats.update(frame.get("changes", {}))
            self.areas.update(frame.get("areas", {}))
            self.version = frame["version"]
        self.moved.set()

    async def watch(self, http: httpx.AsyncClient) -> None:
        """Follow the event for ever, coming back whenever it is cut off."""
        while True:
            with suppress(ConnectionClosed, InvalidHandshake, OSError):
                async with self.connect() as connection:
                    while True:
                        await self.take(connection, http)
            self.drops += 1
            await asyncio.sleep(0.05)

    async def reached(self, version: int, within_s: float = 20) -> None:
        """Wait until it knows this version."""
        async with asyncio.timeout(within_s):
            while self.version < version:
                self.moved.clear()
                await self.moved.wait()

    async def agrees(self, http: httpx.AsyncClient) -> bool:
        """Whether it has exactly what the server has, which stands still meanwhile."""
        truth = Watcher(self.url, self.event)
        await truth.read_snapshot(http)
        await self.reached(truth.version)
        return (self.seats, self.areas) == (truth.seats, truth.areas)
