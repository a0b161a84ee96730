"""Connections to a real Valkey that is there, frozen, and away."""

import asyncio

import pytest
from redis.asyncio import Redis
from tests.support.valkey import Valkey

from event_seating.errors import RedisUnavailable
from event_seating.valkey.client import connect, errors_as_unavailable

pytestmark = pytest.mark.anyio


async def ping(client: Redis) -> bool:
    async with errors_as_unavailable():
        return bool(await client.ping())


async def test_a_server_that_is_there_answers(valkey: Valkey) -> None:
    client = connect(valkey.url)
    assert await ping(client)
    await client.aclose()


async def test_a_server_that_is_away_is_said_to_be_at_once_and_found_again(valkey: Valkey) -> None:
    client = connect(valkey.url)
    valkey.kill()
    with pytest.raises(RedisUnavailable):
        await ping(client)
    valkey.start()
    assert await ping(client)
    await client.aclose()


async def test_a_frozen_server_holds_nobody_up_for_long(valkey: Valkey) -> None:
    client = connect(valkey.url)
    assert await ping(client)
    valkey.freeze()
    try:
        async with asyncio.timeout(10):
            with pytest.raises(RedisUnavailable):
                await ping(client)
    finally:
        valkey.thaw()
    assert await ping(client)
    await client.aclose()


async def test_who_waits_for_a_job_waits_longer_than_a_command_may_take(valkey: Valkey) -> None:
    client = connect(valkey.url, waits=True)
    assert await client.bzpopmin("nothing", timeout=1.5) is None
    await client.aclose()
