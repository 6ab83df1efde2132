"""Requests, quotes, outbox: applications encrypted from the first row on."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the three tables."""
    op.create_table(
        "osago_requests",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("client_reference", sa.Text()),
        sa.Column("insurers", ARRAY(sa.Text()), nullable=False),
        sa.Column("insurers_chosen", sa.Boolean(), nullable=False),
        sa.Column("application", sa.LargeBinary()),
        sa.Column("application_key_id", sa.Text()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True)),
        sa.Column("outcome", sa.Text()),
        sa.CheckConstraint("(completed_at IS NULL) = (outcome IS NULL)", name="osago_requests_ended_wholly"),
        sa.CheckConstraint("cardinality(insurers) > 0", name="osago_requests_somebody_is_asked"),
    )
    op.create_index(
        "osago_requests_client_reference",
        "osago_requests",
        ["tenant", "client_reference"],
        unique=True,
        postgresql_where=sa.text("client_reference IS NOT NULL"),
    )
    op.create_index(
        "osago_requests_open", "osago_requests", ["expires_at"], postgresql_where=sa.text("completed_at IS NULL")
    )
    op.create_table(
        "osago_quotes",
        sa.Column("request_id", sa.Uuid(), sa.ForeignKey("osago_requests.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("insurer_id", sa.Text(), primary_key=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("offer", JSONB()),
        sa.Column("reason", JSONB()),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(status = 'OFFERED') = (offer IS NOT NULL) AND (offer IS NULL) = (reason IS NOT NULL)",
            name="osago_quotes_offer_or_reason",
        ),
        sa.CheckConstraint(
            "status IN ('OFFERED', 'DECLINED', 'FAILED', 'UNAVAILABLE', 'TIMED_OUT', 'CANCELLED')",
            name="osago_quotes_settled",
        ),
    )
    op.create_table(
        "osago_outbox",
        sa.Column("request_id", sa.Uuid(), sa.ForeignKey("osago_requests.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("kind", sa.Text(), primary_key=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('accepted', 'completed')", name="osago_outbox_kind"),
    )
    op.create_index("osago_outbox_age", "osago_outbox", ["created_at"])


def downgrade() -> None:
    """Drops them."""
    op.drop_table("osago_outbox")
    op.drop_table("osago_quotes")
    op.drop_table("osago_requests")
