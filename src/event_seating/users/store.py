"""The statements about users. No rules, no transactions of their own."""

from typing import Final

import msgspec
from sqlalchemy import Row, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from event_seating.db.tables import users
from event_seating.users.model import User

BY_ID: Final = select(users).where(users.c.id == bindparam("id"))

# Both dialects read this as it is; SQLAlchemy has a class of its own for each of them.
INSERT_UNLESS_THERE: Final = text(
    "INSERT INTO users (id, name, email, created_at_ms)"
    " VALUES (:id, :name, :email, :created_at_ms) ON CONFLICT DO NOTHING"
)


async def by_id(connection: AsyncConnection, user_id: str) -> User | None:
    row = (await connection.execute(BY_ID, {"id": user_id})).first()
    return _user(row) if row else None


async def insert(connection: AsyncConnection, user: User) -> bool:
    """Write a new user, unless the id or the e-mail is taken; whether it was written."""
    result = await connection.execute(INSERT_UNLESS_THERE, msgspec.structs.asdict(user))
    return result.rowcount == 1


def _user(row: Row[tuple[str, str, str, int]]) -> User:
    return User(row.id, row.name, row.email, row.created_at_ms)
