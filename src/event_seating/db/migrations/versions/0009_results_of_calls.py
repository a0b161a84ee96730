"""The result of a call that came with a key, beside the answer that the release before reads.

Only adds: rows of the release before have no result, and are answered with their answer. That
release writes its rows without one, and reads those of this release as its own.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_ADDED: Final = (sa.Column("result", sa.LargeBinary()), sa.Column("result_format", sa.Integer()))


def upgrade() -> None:
    for column in _ADDED:
        op.add_column("idempotency", column)


def downgrade() -> None:
    for column in reversed(_ADDED):
        op.drop_column("idempotency", column.name)
