"""Bringing the database to the newest schema, and telling whether it is there."""

from functools import cache
from pathlib import Path
from typing import Final

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from app.storage.database import CONNECT_S_MOST, Pool, connected

_PACKAGED: Final = Path(__file__).parent / "migrations"
_SCRIPTS: Final = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).parents[2] / "alembic"


def engine(url: str) -> AsyncEngine:
    """An engine over asyncpg for any URL of libpq's: SQLAlchemy itself would read it as psycopg's."""
    return create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(url, timeout=CONNECT_S_MOST), poolclass=NullPool
    )


def config(url: str) -> Config:
    """What alembic's commands take."""
    made = Config(attributes={"database_url": url})
    made.set_main_option("script_location", str(_SCRIPTS))
    return made


def migrate(url: str) -> None:
    """Brings the database to the newest schema; several processes may do so at once."""
    command.upgrade(config(url), "head")


async def is_current(pool: Pool) -> bool:
    """Whether the database has the schema that this code needs; a newer one, of a later release, is good too.

    Raises:
        Unavailable: PostgreSQL is not there.
    """
    async with connected(pool) as connection:
        if await connection.fetchval("SELECT to_regclass('alembic_version')::text") is None:
            return False
        revision = await connection.fetchval("SELECT version_num FROM alembic_version")
    return revision not in _older_revisions()


@cache
def _older_revisions() -> frozenset[str | None]:
    scripts = ScriptDirectory(str(_SCRIPTS))
    return frozenset({script.revision for script in scripts.walk_revisions()} - {scripts.get_current_head()} | {None})
