"""Connections to the primary, transactions whose commit is never cancelled, and what counts as "PostgreSQL is not there".

A commit that waits for a synchronous standby may wait long, and a wait that is cancelled shows others a row that no standby has.
So a connection that writes waits for as long as the primary lives (`app.postgres.servers`), or is closed: the row then stays
invisible and locked, and a statement that needs it waits too. Statements that only read have a limit.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import asyncpg

from app.domain.errors import Unavailable, WrongSetting
from app.observability import metrics
from app.postgres.servers.addresses import check_url
from app.postgres.servers.hanging_up import as_closed, hang_up
from app.postgres.servers.primary_finder import CONNECT_S_MAX, NotPrimary, PrimaryFinder
from app.runtime.group_commit import DataRefused, GroupCommit
from app.runtime.supervision import Part

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connections: TypeAlias = asyncpg.Pool[asyncpg.Record]
    Connection: TypeAlias = PoolConnectionProxy[asyncpg.Record] | asyncpg.Connection[asyncpg.Record]
else:
    Connections: TypeAlias = asyncpg.Pool
    Connection: TypeAlias = object

READ_S_MAX: Final = 5.0
WRITE_S_MAX: Final = 5.0
"""The limit of a write where nothing polls the servers, as in a command."""
CONFIRM_S_MAX: Final = 2.0
RETRY_AFTER_S: Final = 1.0
READERS_MIN: Final = 2
"""Connections that are left to reads while commits wait for the standby."""
_CONNECTION_WAIT: Final = metrics.POOL_WAIT.labels("connection")
_WRITING_WAIT: Final = metrics.POOL_WAIT.labels("writing")
_IDLE_S_MAX: Final = 60.0
_FILL: Final = """
INSERT INTO osago_purges (id, reason, request_ids, purged_at)
SELECT gen_random_uuid(), 'retention', array_agg(gen_random_uuid()), clock_timestamp() FROM generate_series(1, 4000)
"""
_WARNING: Final = "01000"
"""The code of the warning that comes with a commit when its wait for the standby was cancelled, by an operator or a time-out."""
_CONFIRM: Final = "SELECT pg_logical_emit_message(true, 'osago', '')"

_GONE: Final = (
    OSError,
    TimeoutError,
    NotPrimary,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.TransactionRollbackError,
)
_BEHIND: Final = (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError)
"""Errors of a schema that lacks migrations: they are waited for, as the server itself is."""
_DATA: Final = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
_REFUSALS: Final = (asyncpg.DiskFullError, asyncpg.OutOfMemoryError)


class Pool:
    """Connections to the primary, opened when they are needed. Its owner runs `parts`."""

    def __init__(self, primary: PrimaryFinder, connections: Connections, *, size: int) -> None:
        self.primary = primary
        self.connections = connections
        self.writers = asyncio.Semaphore(max(1, size - READERS_MIN))
        self.refusal: asyncpg.PostgresError | None = None
        """Why the server refused a write, where it had no room for it; `try_writing` finds out whether it has."""
        self._confirmations: GroupCommit[int, bool] = GroupCommit(
            self._confirm, name="confirmations", wait_s_max=CONFIRM_S_MAX
        )

    def parts(self) -> list[Part]:
        return [*self.primary.parts(), Part("confirmations", self._confirmations.run)]

    async def confirm(self) -> None:
        """Returns once what has been read is safe: the standby that commits wait for has it, too. Call it before the answer.

        A row may be seen that no standby has: an operator cancelled the wait of its writer, or the primary was restarted
        meanwhile. A record of its own is written after it, and waited for; where no commit waits for a standby, it is not needed.

        Raises:
            Unavailable: it is not known, or another server is the primary by now.
        """
        state, generation = self.primary.state, self.primary.generation
        if state and not state.is_synchronous:
            return
        try:
            if self.primary.is_watched:
                is_safe = await self._confirmations.submit(generation)
            else:
                (is_safe,) = await self._confirm([generation])
        except TimeoutError:
            raise Unavailable("PostgreSQL waits for its standby", RETRY_AFTER_S) from None
        if not is_safe:
            raise Unavailable("another server has become the primary", RETRY_AFTER_S)

    async def _confirm(self, generations: Sequence[int]) -> list[bool]:
        """For each generation of primaries whether what was read there is safe: another primary knows nothing of it."""
        async with connected(self) as connection:
            await confirm_on(connection)
            confirmed = self.primary.generation
        return [generation == confirmed for generation in generations]

    async def try_writing(self) -> asyncpg.PostgresError | None:
        """Writes some pages, and takes them back: after a refusal, since small writes may succeed on a full disk.

        Returns why it was refused, None if it was not.

        Raises:
            Unavailable: PostgreSQL is not there.
        """
        try:
            async with connected(self) as connection:
                writing = connection.transaction()
                await writing.start()
                try:
                    await connection.execute(_FILL)
                finally:
                    await writing.rollback()
        except Unavailable as error:
            if isinstance(error.__cause__, _REFUSALS):
                return error.__cause__
            raise
        self.refusal = None
        return None

    def terminate(self) -> None:
        """Closes all connections at once."""
        self.connections.terminate()
        self.primary.close()


async def open_pool(url: str, *, connections: int) -> Pool:
    """A pool that opens its connections when they are needed, so that a process starts without PostgreSQL too.

    Raises:
        WrongSetting: the URL is none of libpq's.
    """
    check_url(url)
    primary = PrimaryFinder(url)
    try:
        pool = asyncpg.create_pool(
            url,
            min_size=0,
            max_size=connections,
            max_inactive_connection_lifetime=_IDLE_S_MAX,
            connect=primary.connect,
            reset=_leave,
        )
        return Pool(primary, await pool, size=connections)
    except (ValueError, asyncpg.InterfaceError) as error:
        raise WrongSetting(f"OSAGO_DATABASE_URL: {error}") from None


async def confirm_on(connection: Connection) -> None:
    """As `Pool.confirm`, in a transaction of its own on a connection that is there already."""
    await connection.execute(_CONFIRM)


async def _leave(_connection: object) -> None:
    """A session has no state to reset: asyncpg's own reset would be one more round trip for every batch."""


@asynccontextmanager
async def reading(pool: Pool) -> AsyncGenerator[Connection, None]:
    """A connection for statements that write nothing and lock nothing, READ_S_MAX for all of them.

    Raises:
        Unavailable: PostgreSQL is not there, has an older schema, or is too busy to answer in time.
        DataRefused: PostgreSQL refuses the data of a statement.
    """
    connection = await _acquired(pool)
    try:
        with as_closed(connection):
            async with asyncio.timeout(READ_S_MAX):
                yield connection
    except (*_GONE, *_BEHIND) as error:
        raise _unavailable(error) from error
    except _DATA as error:
        raise DataRefused from error
    finally:
        await _release(pool, connection)


@asynccontextmanager
async def connected(pool: Pool) -> AsyncGenerator[Connection, None]:
    """A connection for statements that write. They may wait for as long as the primary lives: the caller's own limit is elsewhere.

    Raises:
        Unavailable: PostgreSQL is not there, or has an older schema. It is not known then whether a commit went through.
        DataRefused: PostgreSQL refuses the data of a statement.
    """
    primary = pool.primary
    async with _writing(pool):
        connection = await _acquired(pool)
        primary.writing[connection] = connection.get_server_pid(), asyncio.get_running_loop().time()
        doubts: list[object] = []

        def hear(_: object, message: Any) -> None:
            if message.sqlstate == _WARNING:
                doubts.append(message)

        connection.add_log_listener(hear)
        try:
            with as_closed(connection):
                async with asyncio.timeout(None if primary.is_watched else WRITE_S_MAX):
                    yield connection
                    while doubts:
                        doubts.clear()
                        await confirm_on(connection)
        except asyncio.CancelledError:
            # Before asyncpg has the server cancel the statement: it may be a commit.
            hang_up([connection])
            raise
        except (*_GONE, *_BEHIND) as error:
            if isinstance(error, TimeoutError):
                hang_up([connection])
            if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
                primary.give_up()
            if isinstance(error, _REFUSALS):
                pool.refusal = error
            raise _unavailable(error) from error
        except _DATA as error:
            raise DataRefused from error
        finally:
            del primary.writing[connection]
            with contextlib.suppress(asyncpg.InterfaceError):  # it is closed already
                connection.remove_log_listener(hear)
            await _release(pool, connection)


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncGenerator[Connection, None]:
    """A connection with a transaction: committed when the block ends, rolled back when it raises.

    Raises:
        Unavailable: as `connected`. It is not known then whether the commit went through.
        DataRefused: as `connected`; nothing of the transaction stays.
    """
    async with connected(pool) as connection, connection.transaction():
        yield connection


@asynccontextmanager
async def _writing(pool: Pool) -> AsyncGenerator[None, None]:
    """A place among the writers: some connections are left to reads while commits wait."""
    began_s = time.monotonic()
    try:
        await asyncio.wait_for(pool.writers.acquire(), CONNECT_S_MAX if pool.writers.locked() else None)
    except TimeoutError:
        raise Unavailable("too many commits are in doubt", RETRY_AFTER_S) from None
    finally:
        _WRITING_WAIT.observe(time.monotonic() - began_s)
    try:
        yield
    finally:
        pool.writers.release()


def _unavailable(error: Exception) -> Unavailable:
    missing = "has an older schema" if isinstance(error, _BEHIND) else "is not there"
    return Unavailable(f"PostgreSQL {missing}", RETRY_AFTER_S)


async def _acquired(pool: Pool) -> "PoolConnectionProxy[asyncpg.Record]":
    began_s = time.monotonic()
    try:
        return await pool.connections.acquire(timeout=CONNECT_S_MAX)
    except (*_GONE, asyncpg.PostgresError) as error:  # any error while connecting means that PostgreSQL is unavailable
        raise Unavailable("PostgreSQL is not there", RETRY_AFTER_S) from error
    finally:
        _CONNECTION_WAIT.observe(time.monotonic() - began_s)


async def _release(pool: Pool, connection: "PoolConnectionProxy[asyncpg.Record]") -> None:
    """Gives a connection back; one that broke meanwhile is dropped without a word."""
    with contextlib.suppress(*_GONE):
        await pool.connections.release(connection, timeout=CONNECT_S_MAX)


async def read_time(pool: Pool) -> datetime:
    """PostgreSQL's clock."""
    async with reading(pool) as connection:
        return await connection.fetchval("SELECT clock_timestamp()")
