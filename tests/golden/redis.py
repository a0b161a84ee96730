"""What others see of us in a Redis: messages between processes, keys, and the jobs of BullMQ."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis

FIELDS = ("name", "data", "opts", "delay", "priority", "timestamp")
"""Of those that BullMQ keeps of a job: what it was handed."""

END = "the end of a golden test"

_PROCESS = re.compile(r"\A[0-9a-f]{16} ")
_JOB = re.compile(r"job-[0-9a-f]{32}")


@asynccontextmanager
async def hearing(url: str) -> AsyncIterator[set[tuple[str, str]]]:
    """Channels and messages until the block ends; of who sends them it is told that they do."""
    heard: set[tuple[str, str]] = set()
    async with Redis.from_url(url, decode_responses=True) as redis, redis.pubsub() as hears:
        await hears.psubscribe("*")

        async def listen() -> None:
            async for found in hears.listen():
                if found["channel"] == END:
                    return
                if found["type"] == "pmessage":
                    heard.add((found["channel"], _PROCESS.sub("<process> ", found["data"])))

        listening = asyncio.create_task(listen())
        try:
            yield heard
            await redis.publish(END, "")
            await listening
        finally:
            listening.cancel()


async def jobs_in(redis: Redis) -> list[dict[str, str]]:
    """A job of each name as BullMQ stores it, the oldest, with ids of jobs left out."""
    found: dict[str, dict[str, str]] = {}
    for queue in ("database-operations", "notifications"):
        async for key in redis.scan_iter(f"bull:{queue}:*", _type="hash"):
            stored = await redis.hgetall(key)
            if "name" in stored:
                job = {"queue": queue, **{field: stored[field] for field in FIELDS}}
                other = found.get(job["name"], job)
                found[job["name"]] = min(job, other, key=lambda each: each["timestamp"])
    return [
        {field: _JOB.sub("job-…", value) for field, value in found[name].items()}
        for name in sorted(found)
    ]


async def keys_in(redis: Redis) -> list[str]:
    """Our own keys, and those by which BullMQ's tools find a queue."""
    found = {key async for key in redis.scan_iter("*")}
    ours = {re.sub(r"[0-9a-f]{16}\Z", "<process>", key) for key in found if "event-seating" in key}
    return sorted(ours | {key for key in found if key.endswith((":meta", ":id", ":marked-run"))})
