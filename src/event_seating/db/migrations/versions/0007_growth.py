"""What bounds growth: who may repeat a call and for how long, a booking's hold, archives of logs.

Only adds: rows of the release before have none of it, and are read as before.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_HOLD: Final = sa.text("hold IS NOT NULL")
_UNTIL: Final = sa.text("until_ms IS NOT NULL")

_ADDED: Final = (
    ("idempotency", sa.Column("buyer", sa.LargeBinary())),
    ("idempotency", sa.Column("address", sa.LargeBinary())),
    ("idempotency", sa.Column("hold", sa.LargeBinary())),
    ("idempotency", sa.Column("until_ms", sa.BigInteger())),
    ("bookings", sa.Column("hold_id", sa.Text())),
)


def upgrade() -> None:
    for table, column in _ADDED:
        op.add_column(table, column)
    op.create_index(
        "ix_idempotency_event_id_hold",
        "idempotency",
        ["event_id", "hold"],
        sqlite_where=_HOLD,
        postgresql_where=_HOLD,
    )
    op.create_index(
        "ix_idempotency_until_ms",
        "idempotency",
        ["until_ms"],
        sqlite_where=_UNTIL,
        postgresql_where=_UNTIL,
    )
    op.create_index("ix_bookings_event_id_hold_id", "bookings", ["event_id", "hold_id"])
    op.create_table(
        "log_archives",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("last_version", sa.BigInteger(), nullable=False),
        sa.Column("first_version", sa.BigInteger(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("archived_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", "last_version", name="pk_log_archives"),
    )


def downgrade() -> None:
    op.drop_table("log_archives")
    op.drop_index("ix_bookings_event_id_hold_id", "bookings")
    op.drop_index("ix_idempotency_until_ms", "idempotency")
    op.drop_index("ix_idempotency_event_id_hold", "idempotency")
    for table, column in reversed(_ADDED):
        op.drop_column(table, column.name)
