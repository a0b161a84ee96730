"""The tables, as SQLAlchemy Core describes them.

Migrations bring a database to this schema; a test compares the two on SQLite and on PostgreSQL.
Times are whole milliseconds since the epoch, UTC; money is whole minor units. Nothing here opens a
connection.

The primary key of every table that a seat transaction writes begins with `event_id`, so that a
distributed database can keep the rows of an event together. `seat_log` is the truth; bookings,
lines and booked seats are derived from it and written with it.
"""

from typing import Any, Final

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text, text

NAMES: Final = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = MetaData(naming_convention=NAMES)

_ALIVE: Final = "failed_at_ms IS NULL"
_WAITING: Final = f"relayed_at_ms IS NULL AND {_ALIVE}"
_RELAYED: Final = f"relayed_at_ms IS NOT NULL AND {_ALIVE}"
_FAILED: Final = "failed_at_ms IS NOT NULL"


def _where(condition: str) -> dict[str, Any]:
    """A partial index: only rows that meet the condition cost anything."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False, unique=True),
    Column("created_at_ms", BigInteger, nullable=False),
)

secrets = Table(
    "secrets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)
"""Secrets that the server generated for itself, such as the key that signs hold tokens."""

venues = Table(
    "venues",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
)
"""`version` is the newest of `venue_versions`."""

venue_versions = Table(
    "venue_versions",
    metadata,
    Column("venue_id", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("etag", Text, nullable=False),
    Column("seats", Integer, nullable=False),
    Column("areas", Integer, nullable=False),
    Column("categories", Integer, nullable=False),
    Column("map_gzip", LargeBinary, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
)
"""A seat map in the first format, as the API returns it; never changed once written."""

events = Table(
    "events",
    metadata,
    Column("id", Text, primary_key=True),
    Column("venue_id", Text, nullable=False),
    Column("venue_version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("starts_at_ms", BigInteger, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("epoch", Text, nullable=False),
    Column("buyer_secret", LargeBinary),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("configuration", Text),
    Column("configured_version", BigInteger),
    Index("ix_events_starts_at_ms", "starts_at_ms"),
)
"""An event's name and time. How it sells is in its log.

`configuration` (JSON) and `configured_version`, the version of the log that set it, are derived
from the log and written in the same transaction as its row. An event without them is not complete
yet, or never was."""

seat_log = Table(
    "seat_log",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("version", BigInteger, primary_key=True),
    Column("batch_id", LargeBinary, nullable=False),
    Column("format", Integer, nullable=False),
    Column("entries", LargeBinary, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)

seat_snapshots = Table(
    "seat_snapshots",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("version", BigInteger, primary_key=True),
    Column("image", LargeBinary, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)

bookings = Table(
    "bookings",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("user_id", Text),
    Column("order_ref", Text),
    Column("metadata", Text),
    Column("hold_id", Text),
    Column("status", Text, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
    Index("ix_bookings_user_id", "user_id"),
    Index("ix_bookings_event_id_order_ref", "event_id", "order_ref"),
    Index("ix_bookings_event_id_updated_at_ms", "event_id", "updated_at_ms"),
    Index("ix_bookings_event_id_hold_id", "event_id", "hold_id"),
)
"""`hold_id` is the hold that was booked; none for a direct booking, or one from before the column
existed."""

booking_lines = Table(
    "booking_lines",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("booking_id", Text, primary_key=True),
    Column("seat", Integer, primary_key=True),
    Column("ticket_type", Text, nullable=False),
    Column("price", BigInteger, nullable=False),
    Index("ix_booking_lines_event_id_seat", "event_id", "seat", "booking_id"),
)
"""The seats of a booking, also after its cancellation; `seat` is the number in the event's map."""

booked_seats = Table(
    "booked_seats",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("seat", Integer, primary_key=True),
    Column("booking_id", Text, nullable=False),
)
"""The second line of defence: the primary key itself refuses to sell a seat twice."""

idempotency = Table(
    "idempotency",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request_hash", LargeBinary, nullable=False),
    Column("status", Integer, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("buyer", LargeBinary),
    Column("address", LargeBinary),
    Column("hold", LargeBinary),
    Column("until_ms", BigInteger),
    Column("result", LargeBinary),
    Column("result_format", Integer),
    Index("ix_idempotency_at_ms", "at_ms"),
    Index("ix_idempotency_event_id_hold", "event_id", "hold", **_where("hold IS NOT NULL")),
    Index("ix_idempotency_until_ms", "until_ms", **_where("until_ms IS NOT NULL")),
)
"""What came of calls that came with an `Idempotency-Key`, for a day, or to `until_ms`.

`result` is what is answered again, in the form `result_format`; rows of the release before have
none, and are answered with `status` and `answer`, which that release reads.

`key` is a hash of the key; rows of the previous release have the key itself. `buyer` and `address`
are hashes that identify the caller when nothing else does. `hold` is the hold in the answer: once
that has ended, the answer is reduced to little, and kept for an hour."""

log_archives = Table(
    "log_archives",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("last_version", BigInteger, primary_key=True),
    Column("first_version", BigInteger, nullable=False),
    Column("file", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("archived_at_ms", BigInteger, nullable=False),
)
"""The parts of logs that have been moved from `seat_log` into files; `sha256` is of a file's
uncompressed content."""

kept_answers = Table(
    "kept_answers",
    metadata,
    Column("call", LargeBinary, primary_key=True),
    Column("request_hash", LargeBinary, nullable=False),
    Column("status", Integer, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index("ix_kept_answers_at_ms", "at_ms"),
)
"""The first answers to calls that make something other than seats' changes; `call` is a hash."""

outbox = Table(
    "outbox",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("queue", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("trace", Text),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("claimed_until_ms", BigInteger),
    Column("relayed_at_ms", BigInteger),
    Column("failed_at_ms", BigInteger),
    Column("error", Text),
    Index("ix_outbox_id", "id"),
    Index("ix_outbox_waiting", "queue", "priority", "created_at_ms", **_where(_WAITING)),
    Index("ix_outbox_relayed_at_ms", "relayed_at_ms", **_where(_RELAYED)),
    Index("ix_outbox_created_at_ms", "created_at_ms", **_where(_ALIVE)),
    Index("ix_outbox_failed_at_ms", "failed_at_ms", "id", **_where(_FAILED)),
)
"""Jobs that are not done: written with what caused them, deleted with their effect.

`event_id` is empty for a job of no event. `payload` is JSON. `claimed_until_ms` is the lease of the
relay that hands it to the queue. A row with `failed_at_ms` has failed for good, and stays to be
inspected and retried."""

job_results = Table(
    "job_results",
    metadata,
    Column("id", Text, primary_key=True),
    Column("queue", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("result", Text),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("started_at_ms", BigInteger, nullable=False),
    Column("finished_at_ms", BigInteger, nullable=False),
    Index("ix_job_results_finished_at_ms", "finished_at_ms"),
)
"""Jobs that are done, kept for a day; `result` is JSON."""

files = Table(
    "files",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False),
    Index("ix_files_expires_at_ms", "expires_at_ms"),
)
"""Files that jobs read or write, too large for a row: an import, its refusals, a report."""

file_chunks = Table(
    "file_chunks",
    metadata,
    Column("file_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)
"""The content of a file in numbered chunks that fit into memory, from 0."""

user_imports = Table(
    "user_imports",
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("file_id", Text, nullable=False),
    Column("next_line", BigInteger, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
)
"""The progress of an import of users: written with the users of each step, so that it can
resume."""

user_import_refusals = Table(
    "user_import_refusals",
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("line", BigInteger, primary_key=True),
    Column("reason", Text, nullable=False),
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("types", Text, nullable=False),
    Column("description", Text),
    Column("secret", Text, nullable=False),
    Column("previous_secret", Text),
    Column("previous_until_ms", BigInteger),
    Column("paused", Integer, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
)
"""The receivers of messages. `types` is a JSON list; both secrets sign while the previous one is
valid."""

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", Text, primary_key=True),
    Column("webhook_id", Text, nullable=False),
    Column("job_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("payload", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("response_status", Integer),
    Column("error", Text),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("finished_at_ms", BigInteger),
    Index("ix_webhook_deliveries_webhook_id", "webhook_id", "created_at_ms", "id"),
    Index("ix_webhook_deliveries_webhook_id_status", "webhook_id", "status", "created_at_ms", "id"),
    Index("ix_webhook_deliveries_created_at_ms", "created_at_ms"),
)
"""Messages that were sent or are to be sent, kept for 30 days.

`id` is also that of the message and of its first job; `job_id` is the job that sends it now."""
