"""Take a turn on a seat log and read what is new in it, in one statement, where turns are taken."""

from typing import Final

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# Volatile, so that each of its statements sees what was committed before it: the rows are read as
# they are when the turn is had, not when it was asked for. Before that the next in line comes up.
# It is part of the schema: another signature is another function, until no release calls this one.
_IN_TURN: Final = """
CREATE FUNCTION seat_log_in_turn(turn bigint, event text, after bigint, most integer)
RETURNS TABLE (version bigint, batch_id bytea, format integer, entries bytea, at_ms bigint)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(turn);
    PERFORM pg_advisory_unlock_all();
    RETURN QUERY
        SELECT log.version, log.batch_id, log.format, log.entries, log.at_ms
        FROM seat_log AS log
        WHERE log.event_id = event AND log.version > after
        ORDER BY log.version
        LIMIT most;
END
$$
"""


def upgrade() -> None:
    if _takes_turns():
        op.execute(_IN_TURN)


def downgrade() -> None:
    if _takes_turns():
        op.execute("DROP FUNCTION seat_log_in_turn")


def _takes_turns() -> bool:
    """SQLite has one writer at a time."""
    return op.get_bind().dialect.name == "postgresql"
