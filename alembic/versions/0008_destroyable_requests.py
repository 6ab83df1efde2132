"""An index over the requests that have lost their application: what is destroyed after `OSAGO_OFFER_RETENTION` is found by it.

It is built beside the work that goes on, outside of a transaction. A build that was interrupted leaves an index that is not valid:
the next run begins anew.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Builds it."""
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS osago_requests_destroyable")
        op.create_index(
            "osago_requests_destroyable",
            "osago_requests",
            ["created_at", "id"],
            postgresql_where=sa.text("application IS NULL"),
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    """Drops it."""
    op.drop_index("osago_requests_destroyable", "osago_requests")
