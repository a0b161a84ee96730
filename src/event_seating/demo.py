"""Demo data: what a first try finds in an empty database, in development only."""

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import func, select

from event_seating.clock import MS_PER_S
from event_seating.db.database import Database
from event_seating.db.tables import users
from event_seating.users import store
from event_seating.users.model import User

_NAMES: Final = ("John Doe", "Jane Smith", "Bob Johnson", "Alice Brown", "Charlie Wilson")


def demo_users() -> list[User]:
    """Users 1 to 5, one created on each of the first five days of 2023."""
    return [
        User(
            id=str(number),
            name=name,
            email=f"{name.split()[0].lower()}@example.com",
            created_at_ms=int(datetime(2023, 1, number, tzinfo=UTC).timestamp()) * MS_PER_S,
        )
        for number, name in enumerate(_NAMES, 1)
    ]


async def add_demo_users(database: Database) -> bool:
    """Write the demo users if there are no users at all; whether they were written."""
    async with database.write() as connection:
        if (await connection.execute(select(func.count()).select_from(users))).scalar_one():
            return False
        for user in demo_users():
            await store.insert(connection, user)
    return True
