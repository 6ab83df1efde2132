"""The servers of the suite, and what a test may do with them."""

import asyncio
import re
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from redis.asyncio import Redis as RedisClient

from app.postgres.migration import migrate
from sandbox.demo.servers import Postgresql, Redis

_FOR_EVER: Final = re.compile(r"\{osago-\d\d\}:(jobs:.+|heartbeats|epoch|dead-letters|quote-events)")

_EMPTY: Final = """
DO $$ DECLARE t record; BEGIN
  PERFORM pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid();
  SET LOCAL session_replication_role = replica;  -- in any order
  FOR t IN SELECT oid::regclass AS name, pg_relation_size(oid) > 256 * 1024 AS is_big FROM pg_class
  WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname <> 'alembic_version' LOOP
    EXECUTE CASE WHEN t.is_big THEN 'TRUNCATE ' || t.name || ' CASCADE' ELSE 'DELETE FROM ' || t.name END;
  END LOOP;
END $$
"""
_SCHEMA: Final = """
SELECT md5(string_agg(part, ' ' ORDER BY part)) FROM (
  SELECT concat_ws(' ', relname, attname, atttypid, attnotnull) AS part FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
    WHERE relnamespace = 'public'::regnamespace AND NOT attisdropped
  UNION ALL SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
  UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
  UNION ALL SELECT tgname FROM pg_trigger
  UNION ALL SELECT version_num FROM alembic_version
  UNION ALL SELECT concat_ws(' ', datconnlimit, datallowconn) FROM pg_database WHERE datname = current_database()
  UNION ALL SELECT setconfig::text FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase WHERE datname = current_database()
) parts
"""


@dataclass(slots=True)
class Servers:
    """PostgreSQL with a template database, and Redis."""

    database_url: str
    redis_url: str
    postgresql: Postgresql | None
    redis: Redis | None
    template: str = field(default_factory=lambda: f"osago_template_{uuid.uuid4().hex[:8]}")
    schema: str = ""
    """Of the template, when it is there."""
    _emptied: "Database | None" = None
    """What the last test has left, in order and empty."""

    @classmethod
    def start(cls, folder: Path, *, database_url: str | None, redis_url: str | None) -> "Servers":
        postgresql = redis = None
        if not database_url:
            postgresql = Postgresql(folder / "postgres")
            postgresql.start()
            database_url = postgresql.url()
        if not redis_url:
            redis = Redis(folder / "redis")
            redis.start()
            redis_url = redis.url
        return cls(database_url, redis_url, postgresql, redis)

    def stop(self) -> None:
        for server in (self.redis, self.postgresql):
            if server:
                server.stop()

    async def _make_template(self, connection: asyncpg.Connection) -> None:
        if self.postgresql:  # what a test loses with the machine is not missed
            for setting in ("fsync", "full_page_writes"):
                await connection.execute(f"ALTER SYSTEM SET {setting} = off")
            await connection.execute("SELECT pg_reload_conf()")
        await connection.execute(f"CREATE DATABASE {self.template}")
        await asyncio.to_thread(migrate, with_database(self.database_url, self.template))
        made = Database(self.database_url, self.template)
        (self.schema,) = (await made.fetch(_SCHEMA))[0]
        for (table,) in await made.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
            rows = await made.fetch(f"SELECT 1 FROM {table} LIMIT 1")  # noqa: S608 - a name of ours
            assert not rows or table == "alembic_version", f"{table}: what a migration inserts would be deleted"

    @asynccontextmanager
    async def database(self) -> AsyncGenerator["Database", None]:
        """With the newest schema, and empty: that of the test before where it left the schema alone, which is twenty times cheaper."""
        lent = self._emptied or await self.new_database()
        self._emptied = None
        try:
            yield lent
        finally:
            if self.postgresql and await lent.empty() == self.schema:
                self._emptied = lent
            else:
                await lent.drop()

    async def new_database(self, *, is_empty: bool = False) -> "Database":
        """A fresh copy of the migrated template, or one without a schema."""
        connection = await asyncpg.connect(self.database_url)
        try:
            if is_empty:
                name = f"osago_{uuid.uuid4().hex[:12]}"
                await connection.execute(f"CREATE DATABASE {name}")
                return Database(self.database_url, name)
            if not self.schema:
                await self._make_template(connection)
            name = f"osago_{uuid.uuid4().hex[:12]}"
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE {self.template}")
        finally:
            await connection.close()
        return Database(self.database_url, name)


@dataclass(frozen=True, slots=True)
class Database:
    """A database of one test."""

    server_url: str
    name: str

    @property
    def url(self) -> str:
        return with_database(self.server_url, self.name)

    async def drop(self) -> None:
        connection = await asyncpg.connect(self.server_url)
        try:
            await connection.execute(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")
        finally:
            await connection.close()

    async def empty(self) -> str:
        """Ends every connection and deletes every row; what the schema is like then, nothing where none can be had."""
        try:
            connection = await asyncpg.connect(self.url)
            try:
                await connection.execute(_EMPTY)
                return await connection.fetchval(_SCHEMA)
            finally:
                await connection.close()
        except asyncpg.PostgresError:
            return ""

    async def guest_url(self) -> str:
        """For a user that may read and write, and that limits apply to: a superuser always gets a connection."""
        guest = f"guest_{uuid.uuid4().hex[:12]}"
        await self.admin(f"CREATE ROLE {guest} LOGIN PASSWORD 'guest' IN ROLE pg_read_all_data, pg_write_all_data")
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(netloc=f"{guest}:guest@{parts.netloc.rpartition('@')[2]}"))

    async def admin(self, sql: str) -> None:
        """Runs a statement about this database; {} is its name."""
        connection = await asyncpg.connect(self.server_url)
        try:
            await connection.execute(sql.format(self.name))
        finally:
            await connection.close()

    @asynccontextmanager
    async def locked(self, table: str) -> AsyncGenerator[None, None]:
        """Locks the table: writers beside the block wait."""
        connection = await asyncpg.connect(self.url)
        try:
            async with connection.transaction():
                await connection.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
                yield
        finally:
            await connection.close()

    async def break_connections(self, *, for_good: bool = False) -> None:
        """Ends every connection to it, as a restart of PostgreSQL does; for good: and accepts no new one."""
        if for_good:
            await self.admin("ALTER DATABASE {} ALLOW_CONNECTIONS false")
        await self.admin("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'")

    async def fetch(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        """Rows, on a connection of its own."""
        connection = await asyncpg.connect(self.url)
        try:
            return await connection.fetch(sql, *arguments)
        finally:
            await connection.close()


class RedisAtHand:
    """Redis as a test looks at it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client: Any = RedisClient.from_url(url, decode_responses=True)

    async def keys_without_ttl(self) -> list[str]:
        """Keys that would stay for ever though nothing says that they may."""
        return [
            key
            async for key in self.client.scan_iter()
            if await self.client.ttl(key) == -1 and not _FOR_EVER.fullmatch(key)
        ]


def with_database(url: str, name: str) -> str:
    """The same server, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
