"""Secrets that the server generated once and keeps in its database."""

import secrets
from typing import Final

from sqlalchemy import text

from event_seating.db.database import Database

SECRET_BYTES: Final = 32

_KEEP: Final = text(
    "INSERT INTO secrets (name, value) VALUES (:name, :value) ON CONFLICT DO NOTHING"
)
_READ: Final = text("SELECT value FROM secrets WHERE name = :name")


async def secret(database: Database, name: str) -> bytes:
    """The secret of this name, generated if there is none; all callers get the same one."""
    async with database.write() as connection:
        await connection.execute(_KEEP, {"name": name, "value": secrets.token_bytes(SECRET_BYTES)})
        return bytes((await connection.execute(_READ, {"name": name})).scalar_one())
