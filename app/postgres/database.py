"""The pool of connections, transactions with a limit on every wait, and what counts as "PostgreSQL is not there"."""

import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import parse_qsl, urlsplit

import asyncpg

from app.domain.errors import Unavailable, WrongSetting
from app.runtime.group_commit import DataRefused

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
    Connection: TypeAlias = PoolConnectionProxy[asyncpg.Record] | asyncpg.Connection[asyncpg.Record]
else:
    Pool: TypeAlias = asyncpg.Pool
    Connection: TypeAlias = object

CONNECT_S_MAX: Final = 1.5
STATEMENT_S_MAX: Final = 5.0
RETRY_AFTER_S: Final = 1.0
_IDLE_S_MAX: Final = 60.0
_PORT_MAX: Final = 65_535

_GONE: Final = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.TransactionRollbackError,
)
_DATA: Final = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)


def check_url(url: str) -> None:
    """Checks the ports of a URL, which asyncpg reads only when it connects; libpq takes several hosts.

    Raises:
        WrongSetting: one is not a port; the text does not repeat the URL, for it may hold a password.
    """
    hosts = urlsplit(url).netloc.rpartition("@")[2]
    ports = [host.rpartition("]")[2].partition(":")[2] for host in hosts.split(",")]
    if any(port and not (port.isascii() and port.isdigit() and 0 < int(port) <= _PORT_MAX) for port in ports):
        raise WrongSetting(f"OSAGO_DATABASE_URL: a port is a number from 1 to {_PORT_MAX}")


def place_of(url: str) -> str:
    """Hosts and ports of a URL, without user and password; where there are none, the folder of the socket."""
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2] or dict(parse_qsl(parts.query)).get("host", "localhost")


async def open_pool(url: str, *, connections: int) -> Pool:
    """A pool that opens its connections when they are needed, so that a process starts without PostgreSQL too.

    Raises:
        WrongSetting: the URL is none of libpq's.
    """
    check_url(url)
    try:
        pool = asyncpg.create_pool(
            url,
            min_size=0,
            max_size=connections,
            timeout=CONNECT_S_MAX,
            command_timeout=STATEMENT_S_MAX,
            max_inactive_connection_lifetime=_IDLE_S_MAX,
            server_settings={"application_name": "osago"},
            reset=_leave,
        )
        return await pool
    except (ValueError, asyncpg.InterfaceError) as error:
        raise WrongSetting(f"OSAGO_DATABASE_URL: {error}") from None


async def _leave(_connection: object) -> None:
    """A session has no state to reset (a lock of recovery ends with its connection at the latest): asyncpg's own
    reset would be one more round trip for every batch.
    """


@asynccontextmanager
async def connected(pool: Pool) -> AsyncGenerator[Connection, None]:
    """A connection out of the pool.

    Raises:
        Unavailable: PostgreSQL is not there, or too busy to answer in time.
        DataRefused: PostgreSQL refuses the data of a statement.
    """
    try:
        connection = await pool.acquire(timeout=CONNECT_S_MAX)
    except (*_GONE, asyncpg.PostgresError) as error:  # any error while connecting means that PostgreSQL is unavailable
        raise Unavailable("PostgreSQL is not there", RETRY_AFTER_S) from error
    try:
        yield connection
    except _GONE as error:
        raise Unavailable("PostgreSQL is not there", RETRY_AFTER_S) from error
    except _DATA as error:
        raise DataRefused from error
    finally:
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


async def _release(pool: Pool, connection: "PoolConnectionProxy[asyncpg.Record]") -> None:
    """Gives a connection back; one that broke meanwhile is dropped without a word."""
    with contextlib.suppress(*_GONE):
        await pool.release(connection, timeout=CONNECT_S_MAX)


async def read_time(pool: Pool) -> datetime:
    """PostgreSQL's clock."""
    async with connected(pool) as connection:
        return await connection.fetchval("SELECT clock_timestamp()")
