"""Whether the database has the schema that this code needs.

It is read off the migrations' files: alembic, and SQLAlchemy below it, would be a quarter of the time that a process
takes to start.
"""

import re
from functools import cache
from pathlib import Path
from typing import Final

from app.postgres.database import Pool, reading

_PACKAGED: Final = Path(__file__).parent / "migrations"
SCRIPTS: Final = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).parents[2] / "alembic"
_DOWN: Final = re.compile(r'^down_revision = (?:None|"(\w+)")$', re.MULTILINE)


async def is_current(pool: Pool) -> bool:
    """Whether the database has the schema that this code needs; a newer one, of a later release, is good too.

    Raises:
        Unavailable: PostgreSQL is not there.
    """
    async with reading(pool) as connection:
        if await connection.fetchval("SELECT to_regclass('alembic_version')::text") is None:
            return False
        revision = await connection.fetchval("SELECT version_num FROM alembic_version")
    return revision not in older_revisions()


@cache
def older_revisions() -> frozenset[str | None]:
    """The revisions that another one follows, and None, which the first one follows."""
    texts = (path.read_text(encoding="utf-8") for path in (SCRIPTS / "versions").glob("*.py"))
    return frozenset(found[1] for text in texts if (found := _DOWN.search(text)))
