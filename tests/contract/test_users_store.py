"""The statements about users, on every backend."""

import pytest

from event_seating.db.database import Database
from event_seating.users import store
from event_seating.users.model import User

pytestmark = pytest.mark.anyio

ANNA = User("anna", "Anna Müller 🎟", "anna@example.com", 1_702_049_445_123)


async def insert(database: Database, user: User) -> bool:
    async with database.write() as connection:
        return await store.insert(connection, user)


async def by_id(database: Database, user_id: str) -> User | None:
    async with database.read() as connection:
        return await store.by_id(connection, user_id)


async def test_a_user_is_read_as_it_was_written(database: Database) -> None:
    assert await insert(database, ANNA)
    assert await by_id(database, "anna") == ANNA


async def test_an_absent_user_is_none(database: Database) -> None:
    assert await by_id(database, "anna") is None


async def test_ids_differ_by_case(database: Database) -> None:
    await insert(database, ANNA)
    assert await by_id(database, "Anna") is None


@pytest.mark.parametrize(
    "twin",
    [User("anna", "Other", "other@example.com", 1), User("other", "Other", "anna@example.com", 1)],
    ids=["same id", "same e-mail"],
)
async def test_a_taken_id_or_email_is_not_written(database: Database, twin: User) -> None:
    await insert(database, ANNA)
    assert not await insert(database, twin)
    assert await by_id(database, "anna") == ANNA
    assert await by_id(database, "other") is None
