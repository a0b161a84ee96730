"""What is made with a secret, or locked by a number, from fixed words: nothing of it may change.

A cookie, a token or a signature is believed because it can be made again; a lock is one because
every release, and every process beside this one, takes the same.
"""

import gzip
import hmac
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from event_seating.booking.api.buyer_cookie import (
    Buyers,
    identity,
    of_address,
    of_network,
    of_reference,
)
from event_seating.booking.api.caller import Caller
from event_seating.booking.seat_log.ports import BatchRow
from event_seating.booking.seating.ids import Tokens, to_text
from event_seating.db.database import Database
from event_seating.db.direct import PostgresConnection, Prepared
from event_seating.db.instance import INSTANCE_LOCK
from event_seating.db.schema import MIGRATION_LOCK
from event_seating.maintenance import archive_file
from event_seating.processes.data_dir_lock import DirectoryLock
from event_seating.web.roles import Principal, Role
from event_seating.webhooks import signing
from event_seating.webhooks.model import delivery_id
from tests.golden.texts import of_lines, recorded

SECRET = b"a secret of this service that lasts"
EVENT, KEY = "abcdefghij01", bytes(range(16))
AT_MS = 1_700_000_000_999
BORN_MS = 1_700_000_000_000
KEYS = ("whsec_" + "QUFB" * 10 + "QUE=", "whsec_" + "QkJC" * 10 + "QkI=")
BODY = '{"type":"test","data":{"name":"Ärger ☃"}}'
ANYONE = Principal("anonymous", Role.anyone, limited=True)


def signed() -> dict[str, Any]:
    """Cookies, tokens, ids and signatures."""
    buyers, hold = Buyers(SECRET, secure=True), to_text(EVENT, KEY)
    cookie = buyers.new(hold, BORN_MS)
    name = buyers.named_by(hold)
    caller = Caller(ANYONE, "2001:db8:1:2ff::9", name)
    seen = identity(SECRET, caller, None)
    return {
        "hold": hold,
        "token": Tokens(SECRET).of(EVENT, KEY),
        "cookie": cookie,
        "set-cookie": buyers.set_cookie(cookie),
        "buyer": name,
        "cookie of an earlier release": _cookie_of_old(name),
        "counts as": {
            "buyer": None if seen.buyer is None else seen.buyer.hex(),
            "address": None if seen.address is None else seen.address.hex(),
            "network": None if seen.network is None else seen.network.hex(),
        },
        "reference": of_reference(SECRET, "regular-7").hex(),
        "address": of_address(SECRET, "192.0.2.7").hex(),
        "network": of_network(SECRET, "2001:db8:1:200::/56").hex(),
        "webhook": signing.headers("job-" + "0" * 32, BODY, AT_MS, KEYS),
        "delivery": delivery_id("job-" + "1" * 32, "wh-" + "2" * 32, 3),
    }


def _cookie_of_old(name: str) -> str:
    """No code makes it any more: a month after it was made it is still good."""
    digest = hmac.digest(SECRET, b"buyer " + name.encode(), sha256)[:12]
    return f"{name}.{urlsafe_b64encode(digest).decode()}"


class _Driver:
    """Stands for asyncpg, and notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def execute(self, sql: object, values: object = None) -> None:
        self.asked.append(f"{sql}" if values is None else f"{sql} {values}")

    async def fetch(self, sql: str, *values: object) -> list[object]:
        self.asked.append(f"{sql} {list(values)}")
        return []


async def locks() -> dict[str, Any]:
    """The locks of PostgreSQL, as they are asked for, and those on a directory."""
    driver = _Driver()
    for queued in (False, True):
        connection = PostgresConnection(driver)
        await connection.begin(EVENT, queued=queued)
        if queued:
            await connection.acquire_write_lock(Prepared("turn", ("write_lock",), {}), {})
        await connection.commit()
    database = Database("postgresql+asyncpg://user@localhost/none")
    await database.acquire_lock(driver, "webhooks")  # type: ignore[arg-type]
    await database.close()
    return {
        "instance": INSTANCE_LOCK,
        "migration": MIGRATION_LOCK,
        "statements": driver.asked,
        "files": _files_of_locks(),
    }


def _files_of_locks() -> list[str]:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        with DirectoryLock(directory), DirectoryLock(directory, "worker"):
            return sorted(path.name for path in directory.iterdir())


async def archive(directory: Path) -> str:
    """The lines of an archive with the first rows of the recorded log."""
    record = recorded("log-2-image-3.json")
    rows = [
        BatchRow(row["version"], bytes([row["version"]] * 16), record["log_format"],
               of_lines(row["entries"]), row["at_ms"])
        for row in record["rows"][:3]
    ]  # fmt: skip

    async def given() -> AsyncIterator[BatchRow]:
        for row in rows:
            yield row

    path = directory / archive_file.name_of(EVENT, 1, len(rows))
    head = archive_file.ArchiveHead(archive_file.FORMAT, EVENT, "0" * 16, 1, len(rows))
    await archive_file.write(path, head, given())
    return path.name + "\n" + gzip.decompress(path.read_bytes()).decode()
