"""What has to hold behind a reverse proxy: one suite, run behind each that the page configures."""

import asyncio
import json
import re
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import ClassVar

import httpx
import pytest
from tests.support import proxies
from tests.support.process import serving, settings
from tests.support.seating import put_on_sale, seat_map
from websockets.asyncio.client import connect

from event_seating.live.feed import HEARTBEAT_S
from event_seating.venues.routes import MAP_BYTES_MAX

KEY = secrets.token_hex(24)
STAFF = {"authorization": f"Bearer {KEY}"}
FRAME_WITHIN_S = 20
HEARTBEAT_WITHIN_S = HEARTBEAT_S + FRAME_WITHIN_S
CROWD = 1_000
"""The connections that the page's blocks let one address have."""
OPENED_AT_ONCE = 50
"""Fewer than wait to be accepted in any proxy."""


class BehindAProxy:
    """Subclassed for each proxy, by the language of its block."""

    language: ClassVar[str]
    refuses_crowds: ClassVar[bool] = False
    """Whether it counts the connections of each client; Caddy cannot."""

    @pytest.fixture(scope="class")
    @classmethod
    def url(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
        """The proxy's, before a server with the limits of the seed."""
        directory = tmp_path_factory.mktemp("proxied")
        served = settings(
            directory / "data",
            ADMIN_API_KEY=KEY,
            RATE_LIMITS="5/10s,10/60s",
            TRUSTED_PROXIES="127.0.0.1",
            LIVE_CONNECTIONS_PER_ADDRESS=f"{2 * CROWD}",
        )
        with (
            serving(served) as server,
            proxies.running(cls.language, server.url, directory) as url,
        ):
            yield url

    def test_the_page_and_what_it_loads_are_read(self, url: str) -> None:
        with httpx.Client(base_url=url) as browser:
            page = browser.get("/")
            assert page.headers["content-type"].startswith("text/html")
            loaded = re.findall(r'(?:src|href)="(/[^"]+\.(?:js|css))"', page.text)
            assert loaded
            for path in loaded:
                assert browser.get(path).status_code == 200, path

    @pytest.mark.anyio
    async def test_a_page_of_the_same_origin_watches_by_websocket(self, url: str) -> None:
        async with httpx.AsyncClient(base_url=url, headers=STAFF, timeout=30) as staff:
            event = await put_on_sale(staff, seat_map())
            live = f"{url.replace('http', 'ws', 1)}/events/{event}/live?since=1"
            # As a browser does: the origin is the address of the page, with its port.
            async with connect(live, origin=url, proxy=None) as watcher:  # type: ignore[arg-type]
                await staff.post(f"/events/{event}/holds", json={"best": {"quantity": 2}})
                async with asyncio.timeout(FRAME_WITHIN_S):
                    while not (frame := json.loads(await watcher.recv())).get("changes"):
                        continue
            assert set(frame["changes"].values()) == {"held"}

    @pytest.mark.long
    @pytest.mark.anyio
    async def test_a_watcher_is_not_cut_off_while_nothing_changes(self, url: str) -> None:
        async with httpx.AsyncClient(base_url=url, headers=STAFF, timeout=30) as staff:
            event = await put_on_sale(staff, seat_map() | {"venueId": "quiet"})
        live = f"{url.replace('http', 'ws', 1)}/events/{event}/live?since=1"
        # Without pings of the client's own, which a browser does not send.
        async with connect(live, proxy=None, ping_interval=None) as watcher:
            async with asyncio.timeout(HEARTBEAT_WITHIN_S):
                frames = [json.loads(await watcher.recv()) for _ in range(2)]
        assert not any(frame.get("changes") for frame in frames)

    def test_the_largest_seat_map_passes(self, url: str) -> None:
        unpadded = seat_map() | {"venueId": "large", "background": ""}
        padding = MAP_BYTES_MAX - len(json.dumps(unpadded))
        body = json.dumps(unpadded | {"background": "x" * padding})
        headers = STAFF | {"content-type": "application/json"}
        sent = httpx.post(f"{url}/venues?dryRun=true", content=body, headers=headers, timeout=60)
        assert sent.status_code == 200, sent.text

    @pytest.mark.long
    @pytest.mark.anyio
    async def test_one_address_cannot_take_every_connection(self, url: str) -> None:
        async with httpx.AsyncClient(base_url=url, headers=STAFF, timeout=30) as staff:
            event = await put_on_sale(staff, seat_map() | {"venueId": "crowded"})
        async with watchers(url, event, CROWD, "127.0.0.4") as statuses:
            assert set(statuses) == {101}
            async with watchers(url, event, 1, "127.0.0.4") as beyond:
                assert (beyond == [101]) is not self.refuses_crowds
            async with watchers(url, event, 1, "127.0.0.5") as others:
                assert others == [101]

    def test_limits_count_each_client_whatever_it_writes_into_the_header(self, url: str) -> None:
        def ask(address: str, **headers: str) -> int:
            transport = httpx.HTTPTransport(local_address=address)
            with httpx.Client(transport=transport, headers=headers) as client:
                return client.get(f"{url}/users/nobody").status_code

        made_up = [{"x-forwarded-for": f"203.0.113.{number}"} for number in range(6)]
        first = [ask("127.0.0.2", **headers) for headers in made_up]
        assert first[-1] == 429
        assert 429 not in first[:5]
        assert ask("127.0.0.3") != 429


@asynccontextmanager
async def watchers(url: str, event: str, count: int, address: str) -> AsyncIterator[list[int]]:
    """So many WebSockets from this address, open meanwhile: the status of each, 0 for none."""
    host, port = url.removeprefix("http://").split(":")
    handshake = (
        f"GET /events/{event}/live HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    opened: list[asyncio.StreamWriter] = []

    async def status() -> int:
        try:
            reader, writer = await asyncio.open_connection(host, int(port), local_addr=(address, 0))
            opened.append(writer)
            writer.write(handshake.encode())
            line = await reader.readline()
        except ConnectionError:
            return 0
        return int(line.split()[1]) if line else 0

    try:
        async with asyncio.timeout(HEARTBEAT_WITHIN_S):
            statuses: list[int] = []
            for begin in range(0, count, OPENED_AT_ONCE):
                some = range(begin, min(begin + OPENED_AT_ONCE, count))
                statuses += await asyncio.gather(*(status() for _ in some))
        yield statuses
    finally:
        for writer in opened:
            writer.transport.abort()
