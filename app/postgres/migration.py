"""Bringing the database to the newest schema."""

from alembic import command
from alembic.config import Config
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from app.postgres.schema_version import SCRIPTS
from app.postgres.servers.primary_finder import PrimaryFinder


def engine(url: str) -> AsyncEngine:
    """An engine over asyncpg for any URL of libpq's: SQLAlchemy itself would read it as psycopg's."""
    return create_async_engine("postgresql+asyncpg://", async_creator=PrimaryFinder(url).connect, poolclass=NullPool)


def config(url: str) -> Config:
    """The configuration for alembic's commands."""
    made = Config(attributes={"database_url": url})
    made.set_main_option("script_location", str(SCRIPTS))
    return made


def migrate(url: str) -> None:
    """Brings the database to the newest schema; several processes may do so at once."""
    command.upgrade(config(url), "head")
