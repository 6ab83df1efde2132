"""Migrations: up, down, and no drift between them and the tables in the code."""

import asyncio
import os
import subprocess
import sys

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from support.servers import Database, Servers

from app.domain.errors import Unavailable
from app.postgres.database import connected, open_pool, reading, transaction
from app.postgres.migration import config, migrate
from app.postgres.schema_version import is_current, older_revisions


async def test_the_tables_in_the_code_are_the_tables_in_the_database(database: Database) -> None:
    """`alembic check` finds nothing that a new migration would have to do."""
    await asyncio.to_thread(command.check, config(database.url))


async def test_down_and_up_again(database: Database) -> None:
    """A release that is rolled back leaves nothing of its tables, and comes again."""
    await asyncio.to_thread(command.downgrade, config(database.url), "base")
    assert await tables(database) == ["alembic_version"]
    await asyncio.to_thread(migrate, database.url)
    assert await tables(database) == [
        "alembic_version",
        "osago_bridge",
        "osago_bridge_dead_letters",
        "osago_bridge_leases",
        "osago_consents",
        "osago_control_audit",
        "osago_controls",
        "osago_outbox",
        "osago_purges",
        "osago_quotes",
        "osago_requests",
        "osago_subject_key",
    ]


async def test_several_processes_may_migrate_at_once(servers: Servers, database: Database) -> None:
    """The second process waits for the first."""
    await asyncio.to_thread(command.downgrade, config(database.url), "base")
    await asyncio.gather(*(asyncio.to_thread(_migrate_apart, database.url) for _ in range(3)))
    assert "osago_requests" in await tables(database)


async def test_a_process_knows_whether_the_schema_is_what_it_needs(database: Database) -> None:
    """Behind: not ready. A revision that it does not know is a later release's, and good."""
    pool = await open_pool(database.url, connections=2)
    assert await is_current(pool)
    await database.fetch("UPDATE alembic_version SET version_num = 'of a later release'")
    assert await is_current(pool)
    await database.fetch("DROP TABLE alembic_version")
    assert not await is_current(pool)
    pool.terminate()


async def test_an_older_schema_is_waited_for_as_the_server_is(servers: Servers) -> None:
    """A process of a new release may start before its migrations: none of its parts fails for that."""
    empty = await servers.new_database(is_empty=True)
    pool = await open_pool(empty.url, connections=4)
    for way in (reading, connected, transaction):
        with pytest.raises(Unavailable, match="older schema"):
            async with way(pool) as connection:
                await connection.fetch("SELECT 1 FROM osago_requests")
    pool.terminate()
    await empty.drop()


async def tables(database: Database) -> list[str]:
    rows = await database.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    return [row["tablename"] for row in rows]


def _migrate_apart(url: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "cli.main", "migrate"], env={**os.environ, "OSAGO_DATABASE_URL": url}, check=True
    )


def test_what_is_read_off_the_files_is_what_alembic_knows() -> None:
    """A migration file with an unusual spelling would not be counted."""
    scripts = ScriptDirectory.from_config(config("postgresql:///nowhere"))
    known = {script.revision for script in scripts.walk_revisions()}
    assert older_revisions() == known - {scripts.get_current_head()} | {None}
