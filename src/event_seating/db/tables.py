"""The tables, as SQLAlchemy Core sees them.

Migrations bring a database to this; a test compares the two on SQLite and on PostgreSQL. Times are
whole milliseconds since the epoch, UTC; money is whole minor units. Nothing here opens a
connection.

The primary key of every table that a seat transaction writes begins with `event_id`, so that an
event's rows can live together wherever a distributed database puts them. `seat_log` is the truth;
bookings, lines and booked seats follow from it and are written with it.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = MetaData(naming_convention=NAMES)

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
"""What the server made once for itself, such as the key that signs hold tokens."""

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
"""A seat map in the first format, as it is answered; never changed once written."""

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
"""What an event is called and when it is. How it sells is in its log.

`configuration` (JSON) and the version of the log that set it follow from the log, and are written
in the same transaction as its row. An event without them is not made yet, or never was.
"""

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
    Column("status", Text, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
    Index("ix_bookings_user_id", "user_id"),
    Index("ix_bookings_event_id_order_ref", "event_id", "order_ref"),
    Index("ix_bookings_event_id_updated_at_ms", "event_id", "updated_at_ms"),
)

booking_lines = Table(
    "booking_lines",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("booking_id", Text, primary_key=True),
    Column("seat", Integer, primary_key=True),
    Column("ticket_type", Text, nullable=False),
    Column("price", BigInteger, nullable=False),
)
"""What a booking has, or had when it was cancelled; `seat` is the number in the event's map."""

booked_seats = Table(
    "booked_seats",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("seat", Integer, primary_key=True),
    Column("booking_id", Text, nullable=False),
)
"""The second net: its primary key refuses a second sale of a seat by itself."""

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
    Index("ix_idempotency_at_ms", "at_ms"),
)
"""The first answers of calls that came with an `Idempotency-Key`, for a day."""
