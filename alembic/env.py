"""How alembic reaches the database: OSAGO_DATABASE_URL, through asyncpg."""

import asyncio

from alembic import context
from sqlalchemy.engine import Connection
from sqlmodel import SQLModel

from app.config.settings import Settings
from app.postgres import tables
from app.postgres.migration import engine

TARGET = SQLModel.metadata
assert tables.RequestRow.metadata is TARGET  # noqa: S101 - the import is what fills the metadata


def run(connection: Connection) -> None:
    """Runs inside one transaction, under a lock, so that two processes may migrate at once."""
    context.configure(connection=connection, target_metadata=TARGET, compare_type=True)
    with context.begin_transaction():
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(4039300)")
        context.run_migrations()


async def main() -> None:
    """Opens one connection for it."""
    url = context.config.attributes.get("database_url") or Settings.load().database_url
    async with engine(url).connect() as connection:
        await connection.run_sync(run)
        await connection.commit()


asyncio.run(main())
