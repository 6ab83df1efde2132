"""An index over the open requests of a customer.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes it; open requests are few, so that it takes no time."""
    op.create_index(
        "osago_requests_open_of_customer",
        "osago_requests",
        ["tenant", "customer_id"],
        postgresql_where=sa.text("completed_at IS NULL"),
    )


def downgrade() -> None:
    """Drops it."""
    op.drop_index("osago_requests_open_of_customer", "osago_requests")
