"""Connections to PostgreSQL that belong to no pool are opened as those of the pool are."""

import pytest
from sqlalchemy import make_url
from tests.support.postgres import Postgres

from event_seating.db.engines import driver_options
from event_seating.db.instance import PostgresLock


@pytest.mark.parametrize("parameter", ["ssl", "sslmode"])
def test_the_driver_is_told_what_the_pool_is_told(parameter: str) -> None:
    url = f"postgresql+asyncpg://u:p@h:1/x?{parameter}=require&prepared_statement_cache_size=0"
    assert driver_options(make_url(url)) == {
        "user": "u", "password": "p", "host": "h", "port": 1, "database": "x", "ssl": "require"
    }  # fmt: skip


@pytest.mark.anyio
async def test_the_instance_lock_is_taken_with_the_parameters_of_the_pool(
    postgres: Postgres,
) -> None:
    lock = PostgresLock(postgres.create_database("locked_without_tls") + "&ssl=disable")
    await lock.acquire()
    await lock.release()
