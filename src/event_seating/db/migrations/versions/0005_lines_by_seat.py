"""Whose a seat is and was, without reading every line of the event."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The booking is the answer: without it SQLite would rather read all lines of the event.
    op.create_index(
        "ix_booking_lines_event_id_seat", "booking_lines", ["event_id", "seat", "booking_id"]
    )


def downgrade() -> None:
    op.drop_index("ix_booking_lines_event_id_seat", "booking_lines")
