"""Jobs while everything that does them is killed, again and again: each effect happens once."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import psutil
import pytest
from sqlalchemy import Table, func, select
from tests.support.postgres import Postgres
from tests.support.process import ServerProcess, settings
from tests.support.valkey import Valkey
from tests.support.waiting import until

from event_seating.db import schema
from event_seating.db.database import Database
from event_seating.db.tables import job_results, outbox, users
from event_seating.valkey.client import connect

pytestmark = [pytest.mark.long, pytest.mark.anyio, pytest.mark.timeout(240)]

SINGLE = 150
"""Users who are asked for one by one."""


class Fight(NamedTuple):
    """How much is asked for while what is killed."""

    in_a_file: int
    """Users of an import of 500 a step: some seconds, of which a kill ends it in the middle."""
    kills: int
    harm: Mapping[int, str]
    """What happens to the Valkey after which kill."""


FIGHTS = [
    pytest.param(Fight(8_000, 5, {1: "restart", 2: "flush", 3: "freeze"}), id="5 kills"),
    pytest.param(
        Fight(30_000, 14, {2: "restart", 5: "flush", 7: "restart", 9: "freeze"}),
        id="14 kills",
    ),
]

BETWEEN_KILLS_S = 0.9
"""Of all three at once, every second time: the import is taken up 8 to 13 s after a kill."""

WITHIN_S = 120.0


class Installation:
    """A server and two workers beside it, on one PostgreSQL and one Valkey."""

    def __init__(self, url: str, valkey: Valkey) -> None:
        self.url = url
        self.valkey = valkey
        self.database = Database(url)
        self.processes: list[ServerProcess] = []
        self.killed = 0

    @property
    def server(self) -> ServerProcess:
        return self.processes[0]

    def start(self, command: str, directory: Path) -> None:
        directory.mkdir()
        mine = settings(directory, DATABASE_URL=self.url, REDIS_URL=self.valkey.url)
        process = ServerProcess(mine, command=command)
        self.processes.append(process)
        if command == "serve":
            process.wait_until_ready()
        # Somebody must read what it says, or it waits for that.
        threading.Thread(target=lambda: list(process._read()), daemon=True).start()

    async def count(self, table: Table) -> int:
        async with self.database.read() as connection:
            found = await connection.execute(select(func.count()).select_from(table))
            return int(found.scalar_one())

    async def failures(self) -> list[Any]:
        async with self.database.read() as connection:
            failed = outbox.c.failed_at_ms.is_not(None)
            found = await connection.execute(select(outbox.c.name, outbox.c.error).where(failed))
            return [tuple(row) for row in found]

    def kill_job_process(self, of: ServerProcess) -> None:
        """It may just be on its way: then it is killed next time."""
        try:
            of.job_process.kill()
        except (psutil.NoSuchProcess, ValueError):
            return
        self.killed += 1

    async def flush(self) -> None:
        redis = connect(self.valkey.url)
        await redis.flushall()
        await redis.aclose()

    async def freeze(self) -> None:
        self.valkey.freeze()
        await asyncio.sleep(0.5)
        self.valkey.thaw()

    async def restart(self) -> None:
        self.valkey.kill()
        self.valkey.start()


@pytest.fixture
async def installation(
    postgres: Postgres, valkey: Valkey, tmp_path: Path
) -> AsyncIterator[Installation]:
    async with AsyncExitStack() as stack:
        found = Installation(postgres.create_database(f"killed_jobs_{uuid4().hex}"), valkey)
        stack.push_async_callback(found.database.close)
        await schema.upgrade(found.database)
        try:
            for number, command in enumerate(["serve", "worker", "worker"]):
                found.start(command, tmp_path / str(number))
            yield found
        finally:
            for process in found.processes:
                process.kill()


async def ask_for_users(installation: Installation, in_a_file: int) -> None:
    """Until each is accepted; a client that heard nothing does not ask again under that id."""
    async with httpx.AsyncClient(base_url=installation.server.url, timeout=10) as client:
        lines = (f"f{n},Name {n},f{n}@example.com" for n in range(in_a_file))
        content = "\n".join(["id,name,email", *lines, "broken"])
        sent = await client.post(
            "/users/import", content=content, headers={"content-type": "text/csv"}
        )
        assert sent.status_code == 202
        for n in range(SINGLE):
            body = {"id": f"s{n}", "name": "S", "email": f"s{n}@example.com"}
            sent = await client.post("/users", json=body, headers={"prefer": "respond-async"})
            assert sent.status_code == 202


@pytest.mark.parametrize("fight", FIGHTS)
async def test_each_effect_happens_once_whatever_is_killed(
    installation: Installation, fight: Fight
) -> None:
    victims = cycle(installation.processes)
    asking = asyncio.create_task(ask_for_users(installation, fight.in_a_file))
    for number in range(fight.kills):
        await asyncio.sleep(BETWEEN_KILLS_S)
        for victim in installation.processes if number % 2 else [next(victims)]:
            installation.kill_job_process(victim)
        if number in fight.harm:
            await getattr(installation, fight.harm[number])()
    await asking
    assert installation.killed >= fight.kills

    async def nothing_left() -> bool:
        async with installation.database.read() as connection:
            left = await connection.execute(
                select(func.count()).select_from(outbox).where(outbox.c.name != "purge")
            )
            return int(left.scalar_one()) == 0 or bool(await installation.failures())

    await until(nothing_left, WITHIN_S)
    assert await installation.failures() == []
    assert await installation.count(users) == SINGLE + fight.in_a_file
    async with installation.database.read() as connection:
        found = await connection.execute(
            select(job_results.c.name, func.count()).group_by(job_results.c.name)
        )
        done = {row[0]: row[1] for row in found}
    assert done["create-user"] == SINGLE
    assert done["import-users"] == 1
    async with installation.database.read() as connection:
        results = await connection.execute(
            select(job_results.c.result).where(job_results.c.name == "import-users")
        )
    result = json.loads(results.scalar_one())
    assert (result["created"], result["refused"]) == (fight.in_a_file, 1)
