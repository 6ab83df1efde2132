"""An index over the quotes with a purchase link that is not sealed yet: a process finds them, seals them, and leaves it empty.

The links are not sealed here: a migration has no encryption key, and workers of the release before go on writing such rows
until the last of them is replaced. `app.use_cases.link_sealing` seals them, in batches, within a minute of each other.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes it. Quotes are not settled meanwhile; what waits for so long is settled afterwards."""
    op.create_index(
        "osago_quotes_links_in_clear",
        "osago_quotes",
        ["request_id", "insurer_id"],
        postgresql_where=sa.text("offer ? 'purchaseUrl'"),
    )


def downgrade() -> None:
    """Drops it; the release before shows offers with a sealed link as offers without one."""
    op.drop_index("osago_quotes_links_in_clear", "osago_quotes")
