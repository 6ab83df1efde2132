"""Records of destruction as order 179 of Roskomnadzor has them, and consents that outlive applications.

Nothing here rewrites a table: columns come with defaults, which processes of the release before rely on.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes them."""
    for name, default in (
        ("kind", "application"),
        ("operator", ""),
        ("system", ""),
        ("method", "rows-deleted"),
        ("actor", ""),
    ):
        op.add_column("osago_purges", sa.Column(name, sa.Text(), nullable=False, server_default=default))
    op.add_column("osago_purges", sa.Column("categories", ARRAY(sa.Text()), nullable=False, server_default="{}"))
    op.add_column("osago_purges", sa.Column("subjects", JSONB(), nullable=False, server_default="[]"))
    op.drop_constraint("osago_purges_reason", "osago_purges")
    op.create_check_constraint(
        "osago_purges_reason",
        "osago_purges",
        "reason IN ('retention', 'forgotten', 'consent-withdrawn', 'key-destroyed')",
    )
    op.create_check_constraint("osago_purges_kind", "osago_purges", "kind IN ('application', 'request', 'consent')")
    op.create_index("osago_purges_requests", "osago_purges", ["request_ids"], postgresql_using="gin")
    op.create_index(
        "osago_purges_subjects",
        "osago_purges",
        ["subjects"],
        postgresql_using="gin",
        postgresql_ops={"subjects": "jsonb_path_ops"},
    )
    op.create_index("osago_purges_moment", "osago_purges", ["purged_at", "id"])
    op.create_table(
        "osago_consents",
        sa.Column("request_id", sa.Uuid(), primary_key=True),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("consent", sa.LargeBinary(), nullable=False),
        sa.Column("consent_key_id", sa.Text(), nullable=False),
    )
    op.create_index("osago_consents_age", "osago_consents", ["accepted_at", "request_id"])
    op.create_table(
        "osago_subject_key",
        sa.Column("one", sa.Boolean(), primary_key=True),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("one", name="osago_subject_key_one"),
    )


def downgrade() -> None:
    """Drops them, and with them what records say of people."""
    op.drop_table("osago_subject_key")
    op.drop_table("osago_consents")
    for index in ("osago_purges_moment", "osago_purges_subjects", "osago_purges_requests"):
        op.drop_index(index, "osago_purges")
    op.drop_constraint("osago_purges_kind", "osago_purges")
    op.drop_constraint("osago_purges_reason", "osago_purges")
    op.execute("DELETE FROM osago_purges WHERE reason NOT IN ('retention', 'forgotten')")
    op.create_check_constraint("osago_purges_reason", "osago_purges", "reason IN ('retention', 'forgotten')")
    for name in ("kind", "operator", "system", "method", "actor", "categories", "subjects"):
        op.drop_column("osago_purges", name)
