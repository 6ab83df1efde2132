"""Where each destination of `osago bridge` stands, its lease, the events that it would not take; and an index by the end of requests.

After a gap in the feed a bridge reads the requests that have ended since: the index finds them.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes them. Requests do not end while the index is made; what waits for so long ends afterwards."""
    op.create_table(
        "osago_bridge",
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("shard", sa.Integer, nullable=False),
        sa.Column("cursor", sa.Text, nullable=False),
        sa.Column("epoch", sa.Text, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("destination", "shard"),
    )
    op.create_table(
        "osago_bridge_leases",
        sa.Column("destination", sa.Text, primary_key=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "osago_bridge_dead_letters",
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("request_id", sa.Uuid, sa.ForeignKey("osago_requests.id", ondelete="CASCADE"), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("given_up_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_retried", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("destination", "event_id"),
    )
    op.create_index("osago_bridge_dead_letters_request", "osago_bridge_dead_letters", ["request_id"])
    op.create_index(
        "osago_requests_completed",
        "osago_requests",
        ["completed_at", "id"],
        postgresql_where=sa.text("completed_at IS NOT NULL"),
    )


def downgrade() -> None:
    """Drops them; a bridge of the release after begins anew at the oldest entry of the feed."""
    op.drop_index("osago_requests_completed", "osago_requests")
    op.drop_table("osago_bridge_dead_letters")
    op.drop_table("osago_bridge_leases")
    op.drop_table("osago_bridge")
