"""Jobs in an outbox, their results and files, imports of users, webhooks and their deliveries."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_jobs()
    _create_files()
    _create_imports()
    _create_webhooks()


def downgrade() -> None:
    for table in (
        "webhook_deliveries",
        "webhooks",
        "user_import_refusals",
        "user_imports",
        "file_chunks",
        "files",
        "job_results",
        "outbox",
    ):
        op.drop_table(table)


def _create_jobs() -> None:
    op.create_table(
        "outbox",
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("queue", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("trace", sa.Text),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("claimed_until_ms", sa.BigInteger),
        sa.Column("relayed_at_ms", sa.BigInteger),
        sa.Column("failed_at_ms", sa.BigInteger),
        sa.Column("error", sa.Text),
        sa.PrimaryKeyConstraint("event_id", "id", name="pk_outbox"),
    )
    op.create_index("ix_outbox_id", "outbox", ["id"])
    alive = "failed_at_ms IS NULL"
    _create_partial_index(
        "ix_outbox_waiting",
        ["queue", "priority", "created_at_ms"],
        f"relayed_at_ms IS NULL AND {alive}",
    )
    _create_partial_index(
        "ix_outbox_relayed_at_ms", ["relayed_at_ms"], f"relayed_at_ms IS NOT NULL AND {alive}"
    )
    _create_partial_index("ix_outbox_created_at_ms", ["created_at_ms"], alive)
    _create_partial_index(
        "ix_outbox_failed_at_ms", ["failed_at_ms", "id"], "failed_at_ms IS NOT NULL"
    )
    op.create_table(
        "job_results",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("queue", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("result", sa.Text),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("started_at_ms", sa.BigInteger, nullable=False),
        sa.Column("finished_at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_job_results"),
    )
    op.create_index("ix_job_results_finished_at_ms", "job_results", ["finished_at_ms"])


def _create_partial_index(name: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, "outbox", columns, sqlite_where=where, postgresql_where=where)


def _create_files() -> None:
    op.create_table(
        "files",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_files"),
    )
    op.create_index("ix_files_expires_at_ms", "files", ["expires_at_ms"])
    op.create_table(
        "file_chunks",
        sa.Column("file_id", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("file_id", "number", name="pk_file_chunks"),
    )


def _create_imports() -> None:
    op.create_table(
        "user_imports",
        sa.Column("job_id", sa.Text, nullable=False),
        sa.Column("file_id", sa.Text, nullable=False),
        sa.Column("next_line", sa.BigInteger, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("refused", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("job_id", name="pk_user_imports"),
    )
    op.create_table(
        "user_import_refusals",
        sa.Column("job_id", sa.Text, nullable=False),
        sa.Column("line", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("job_id", "line", name="pk_user_import_refusals"),
    )


def _create_webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("types", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("previous_secret", sa.Text),
        sa.Column("previous_until_ms", sa.BigInteger),
        sa.Column("paused", sa.Integer, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks"),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("webhook_id", sa.Text, nullable=False),
        sa.Column("job_id", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("response_status", sa.Integer),
        sa.Column("error", sa.Text),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("finished_at_ms", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_deliveries"),
    )
    op.create_index(
        "ix_webhook_deliveries_webhook_id",
        "webhook_deliveries",
        ["webhook_id", "created_at_ms", "id"],
    )
    op.create_index(
        "ix_webhook_deliveries_webhook_id_status",
        "webhook_deliveries",
        ["webhook_id", "status", "created_at_ms", "id"],
    )
    op.create_index("ix_webhook_deliveries_created_at_ms", "webhook_deliveries", ["created_at_ms"])
