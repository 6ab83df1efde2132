"""The state of a server: whether it takes writes, on which timeline, and whether a commit waits for a standby."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import asyncpg

if TYPE_CHECKING:
    ServerConnection: TypeAlias = asyncpg.Connection[asyncpg.Record]
else:
    ServerConnection: TypeAlias = asyncpg.Connection

# The first eight digits of a segment's name are the timeline. The control file knows a new one only after its first checkpoint.
_STATE: Final = """
SELECT NOT pg_is_in_recovery() AND current_setting('default_transaction_read_only') = 'off' AS is_writable,
       CASE WHEN pg_is_in_recovery() THEN '' ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END AS timeline,
       (SELECT system_identifier FROM pg_control_system()) AS system,
       current_setting('synchronous_standby_names') <> ''
           AND current_setting('synchronous_commit') NOT IN ('off', 'local') AS is_synchronous,
       pg_backend_pid() AS backend
"""

# For a server that does not have the functions, or keeps them from its users: there an older one looks like a newer one.
_PLAIN: Final = """
SELECT NOT pg_is_in_recovery() AND current_setting('default_transaction_read_only') = 'off' AS is_writable,
       '' AS timeline, 0::bigint AS system, true AS is_synchronous, pg_backend_pid() AS backend
"""


@dataclass(frozen=True, slots=True)
class ServerState:
    """`timeline` rises with each promotion within one `system`; 0 where the server does not say."""

    is_writable: bool
    timeline: int
    system: int
    is_synchronous: bool
    backend: int


async def read_state(connection: ServerConnection) -> ServerState:
    """The state of the server at the other end. Raises what asyncpg raises."""
    try:
        row = await connection.fetchrow(_STATE)
    except (asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedFunctionError, asyncpg.FeatureNotSupportedError):
        row = await connection.fetchrow(_PLAIN)
    assert row is not None  # noqa: S101 - a query without FROM has a row
    timeline = int(row["timeline"] or "0", 16)
    return ServerState(row["is_writable"], timeline, row["system"], row["is_synchronous"], row["backend"])
