"""Purges: what was destroyed, when and why; and an index that finds what is due."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the table and the index."""
    op.create_table(
        "osago_purges",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("request_ids", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("purged_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("reason IN ('retention', 'forgotten')", name="osago_purges_reason"),
    )
    op.create_index(
        "osago_requests_purgeable",
        "osago_requests",
        ["created_at", "id"],
        postgresql_where=sa.text("application IS NOT NULL"),
    )
    op.create_index("osago_requests_customer", "osago_requests", ["customer_id"])


def downgrade() -> None:
    """Drops them."""
    op.drop_index("osago_requests_customer", "osago_requests")
    op.drop_index("osago_requests_purgeable", "osago_requests")
    op.drop_table("osago_purges")
