"""How long a body may be, by who sends it."""

from collections.abc import AsyncIterator

import httpx
import pytest
from tests.support.service import Service, in_process

pytestmark = pytest.mark.anyio

KEY = "an-admin-key-of-24-chars"
HOLDS = "/events/nope/holds"
JSON = {"content-type": "application/json"}


@pytest.fixture
async def production(environment: dict[str, str]) -> AsyncIterator[Service]:
    async with in_process(app_env="production", admin_api_key=KEY, log_dir=None) as running:
        yield running


async def sent(service: Service, size: int, *, key: str = "", says: bool = True) -> httpx.Response:
    """What comes back on so long a body, which says its length beforehand or does not."""

    async def parts() -> AsyncIterator[bytes]:
        for start in range(0, size, 16_384):
            yield b" " * min(16_384, size - start)

    headers = JSON | ({"authorization": f"Bearer {key}"} if key else {})
    content = b" " * size if says else parts()
    return await service.client.post(HOLDS, content=content, headers=headers)


@pytest.mark.parametrize("says", [True, False])
async def test_anyone_may_send_sixty_four_kilobytes(production: Service, says: bool) -> None:
    refused = await sent(production, 64 * 1024 + 1, says=says)
    assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")
    assert refused.json()["limit"] == 64 * 1024
    assert (await sent(production, 64 * 1024, says=says)).json()["code"] == "malformed_json"


@pytest.mark.parametrize("says", [True, False])
async def test_who_has_a_key_may_send_a_megabyte(production: Service, says: bool) -> None:
    refused = await sent(production, 1024 * 1024 + 1, key=KEY, says=says)
    assert (refused.status_code, refused.json()["limit"]) == (413, 1024 * 1024)
    taken = await sent(production, 1024 * 1024, key=KEY, says=says)
    assert taken.json()["code"] == "malformed_json"


async def test_a_seat_map_of_an_admin_may_still_have_megabytes(production: Service) -> None:
    headers = JSON | {"authorization": f"Bearer {KEY}"}
    body = b" " * 5_000_000
    answer = await production.client.post("/venues", content=body, headers=headers)
    assert answer.json()["code"] == "invalid_map"
