"""A column for the trace of a request: the span that accepted it, for the relay, recovery and those that watch it.

Adding it takes a moment in a table of any size: it has no default. Processes of the release before leave it empty.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds it."""
    op.add_column("osago_requests", sa.Column("trace", sa.Text(), nullable=True))


def downgrade() -> None:
    """Drops it; what is under way is no longer traced."""
    op.drop_column("osago_requests", "trace")
