"""The tables, as SQLAlchemy Core sees them.

Migrations bring a database to this; a test compares the two on SQLite and on PostgreSQL. Times are
whole milliseconds since the epoch, UTC. Nothing here opens a connection.
"""

from sqlalchemy import BigInteger, Column, MetaData, Table, Text

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
