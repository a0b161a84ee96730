"""Databases with every table: the migrations run once, the rest are copies."""

import asyncio
import atexit
import shutil
import tempfile
from pathlib import Path

from event_seating.db import schema
from event_seating.db.database import Database

_TEMPLATE: list[Path] = []


async def lay_tables(path: Path) -> None:
    """Put a migrated SQLite file there."""
    if not _TEMPLATE:
        template = Path(tempfile.mkdtemp(prefix="es-")) / "template.db"
        atexit.register(shutil.rmtree, template.parent, ignore_errors=True)
        await migrate(f"sqlite+aiosqlite:///{template}")
        _TEMPLATE.append(template)
    await asyncio.to_thread(shutil.copyfile, _TEMPLATE[0], path)


async def migrate(url: str) -> None:
    """Bring this database to the newest schema."""
    database = Database(url)
    await schema.upgrade(database)
    await database.close()
