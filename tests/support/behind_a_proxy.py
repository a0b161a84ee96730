"""What has to hold behind a reverse proxy: one suite, run behind each that the page configures."""

import asyncio
import json
import secrets
from collections.abc import Iterator
from typing import ClassVar

import httpx
import pytest
from tests.support import proxies
from tests.support.process import serving, settings
from tests.support.seating import put_on_sale, seat_map
from websockets.asyncio.client import connect

KEY = secrets.token_hex(24)
STAFF = {"authorization": f"Bearer {KEY}"}
FRAME_WITHIN_S = 20
PADDING_BYTES = 20_000_000
"""A map of this size passes: proxies refuse bodies of over 1 MB unless they are told not to."""


class BehindAProxy:
    """Subclassed for each proxy, by the language of its block."""

    language: ClassVar[str]

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
        )
        with (
            serving(served) as server,
            proxies.running(cls.language, server.url, directory) as url,
        ):
            yield url

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

    def test_a_seat_map_of_twenty_megabytes_passes(self, url: str) -> None:
        padded = seat_map() | {"venueId": "large", "background": "x" * PADDING_BYTES}
        sent = httpx.post(
            f"{url}/venues", params={"dryRun": "true"}, json=padded, headers=STAFF, timeout=60
        )
        assert sent.status_code == 200, sent.text

    def test_limits_count_each_client_whatever_it_writes_into_the_header(self, url: str) -> None:
        def ask(address: str, **headers: str) -> int:
            transport = httpx.HTTPTransport(local_address=address)
            with httpx.Client(transport=transport, headers=headers) as client:
                return client.get(f"{url}/users/nobody").status_code

        made_up = {"x-forwarded-for": "203.0.113.9"}
        first = [ask("127.0.0.2", **made_up, n=str(number)) for number in range(6)]
        assert first[-1] == 429
        assert 429 not in first[:5]
        assert ask("127.0.0.3") != 429
