"""A column for the trail of a quote: how its answer came about. Workers of the release before leave it empty.

Adding it takes a moment in a table of any size: it has no default.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds it."""
    op.add_column("osago_quotes", sa.Column("trail", sa.Text(), nullable=True))


def downgrade() -> None:
    """Drops it, with what is known of how answers came about."""
    op.drop_column("osago_quotes", "trail")
