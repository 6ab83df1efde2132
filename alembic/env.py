"""How alembic reaches the database: OSAGO_DATABASE_URL, through asyncpg."""

import asyncio
from typing import Final

from alembic import context
from sqlalchemy.engine import Connection as SyncConnection
from sqlmodel import SQLModel

from app.config.settings import Settings
from app.postgres import tables
from app.postgres.database import Connection
from app.postgres.migration import engine
from app.postgres.servers.primary_finder import PrimaryFinder

TARGET = SQLModel.metadata
assert tables.RequestRow.metadata is TARGET  # noqa: S101 - the import is what fills the metadata


LOCK: Final = "SELECT pg_try_advisory_xact_lock(4039300)"
LOOK_EVERY_S: Final = 0.2


def run(connection: SyncConnection) -> None:
    """Runs each migration in a transaction of its own; one that builds an index beside other work leaves it for that."""
    context.configure(connection=connection, target_metadata=TARGET, compare_type=True, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


async def lock(connection: Connection) -> None:
    """Waits until no other process migrates, and has the lock until the connection is closed: in a transaction, for a pooler's sake.

    By looking again and again: a statement that waits for the lock would be one that an index built beside it waits for. So would
    the last statement with parameters of asyncpg's, whose portal keeps its snapshot; one without them takes its place.
    """
    await connection.execute("BEGIN")
    while not await connection.fetchval(LOCK):
        await connection.execute("ROLLBACK")
        await asyncio.sleep(LOOK_EVERY_S)
        await connection.execute("BEGIN")
    await connection.execute("SELECT")


async def main() -> None:
    """Opens two connections: the one has the lock, the other migrates."""
    url = context.config.attributes.get("database_url") or Settings.load().database_url
    holder = await PrimaryFinder(url).connect()
    try:
        await lock(holder)
        async with engine(url).connect() as connection:
            await connection.run_sync(run)
            await connection.commit()
    finally:
        holder.terminate()


asyncio.run(main())
