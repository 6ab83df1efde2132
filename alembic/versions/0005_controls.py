"""Controls of operators, and the audit of what they have done.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates both tables, empty."""
    op.create_table(
        "osago_controls",
        sa.Column("kind", sa.Text(), primary_key=True, nullable=False),
        sa.Column("subject", sa.Text(), primary_key=True, nullable=False),
        sa.Column("setting", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('pause', 'limit', 'poll-limit', 'circuit', 'drain')", name="osago_controls_kind"),
        sa.CheckConstraint("until IS NULL OR until > since", name="osago_controls_lasts"),
    )
    op.create_table(
        "osago_control_audit",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("setting", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("request_ids", ARRAY(sa.Uuid()), nullable=False),
    )
    op.create_index("osago_control_audit_at", "osago_control_audit", ["at"])


def downgrade() -> None:
    """Drops them: nothing is paused or limited by hand any more."""
    op.drop_table("osago_control_audit")
    op.drop_table("osago_controls")
