"""How an event sells, beside the event, so that a list need not read its log."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("events", sa.Column("configuration", sa.Text))
    op.add_column("events", sa.Column("configured_version", sa.BigInteger))


def downgrade() -> None:
    op.drop_column("events", "configured_version")
    op.drop_column("events", "configuration")
