"""The search for the primary among the servers of the URL, and whether it is alive.

Each server is looked at twice a second on a connection of its own. So a commit may wait for its standby as long as the primary
lives: it is never cancelled, for a cancelled wait shows others a row that no standby has, and a connection to a server that
does not answer, takes no writes or has been superseded is closed.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from functools import partial
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

import asyncpg
import structlog

from app.observability import metrics
from app.postgres.servers.addresses import ServerAddress, addresses_of
from app.postgres.servers.hanging_up import as_closed, hang_up
from app.postgres.servers.server_state import ServerConnection, ServerState, read_state
from app.runtime.cancellation import raise_if_cancelled
from app.runtime.supervision import Part

log: Final = structlog.get_logger(__name__)

CONNECT_S_MAX: Final = 1.5
SERVER_S_MAX: Final = 0.5
"""The limit of connecting to one of several servers: the next one has its own."""
LOOK_EVERY_S: Final = 0.5
SEARCH_EVERY_S: Final = 0.2
"""The interval of looks where no primary is known."""
LOOK_S_MAX: Final = 1.5
"""Connections to a server that has not answered a look for so long are closed."""
_STALL_S: Final = 0.25
REPLY_S_MAX: Final = 5.0
"""A statement that takes longer is asked after: its reply may be lost."""
_STATEMENTS_KEPT: Final = 100
_ACTIVE: Final = """
SELECT pid FROM pg_stat_activity
WHERE application_name = 'osago' AND pid <> pg_backend_pid()
AND (state = 'active' OR state_change > clock_timestamp() - $1::interval)
"""

Result = TypeVar("Result")

AWAY: Final = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError, asyncpg.PostgresError)
"""Errors of connecting where no server is, or none that accepts this client."""


class NotPrimary(Exception):
    """A server that is not written to: a standby, a read-only one, or one of an older timeline than another that has been seen."""


class PrimaryFinder:
    """Knows the primary, and opens connections to it. Its owner runs `parts`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.addresses = addresses_of(url)
        self._is_alone = len(self.addresses) == 1
        self._connect_s_max = CONNECT_S_MAX if self._is_alone else SERVER_S_MAX
        self.primary: ServerAddress | None = self.addresses[0] if self._is_alone else None
        self.state: ServerState | None = None
        """The state of the primary, as it was seen last."""
        self.generation = 0
        """How many primaries there were before this one."""
        self.is_watched = False
        """`parts` are running."""
        self.is_pooled: bool | None = None
        """A pooler stands before the servers: statements have no names there. None: not known yet."""
        self.writing: dict[Any, tuple[int, float]] = {}
        """The process on the server of each connection that writes, and when it was taken, in seconds of the event loop."""
        self.promotions: list[Callable[[], None]] = []
        """Called when the primary is another one than before."""
        self._newest: ServerState | None = None
        self._open: WeakKeyDictionary[ServerConnection, ServerAddress] = WeakKeyDictionary()
        self._monitors: dict[ServerAddress, ServerConnection] = {}
        self._searching: asyncio.Task[None] | None = None
        self._reported: set[tuple[ServerAddress, int]] = set()

    def parts(self) -> list[Part]:
        return [
            Part(f"database-look:{number}", partial(self._watch, address))
            for number, address in enumerate(self.addresses)
        ]

    async def connect(self, *_: object, **options: Any) -> ServerConnection:
        """A new connection to the primary, for a pool.

        Raises:
            NotPrimary: no server can be written to; or what asyncpg raises.
        """
        address = self.primary or await self._found()
        try:
            if self.is_pooled is None:
                probe = await self._opened(address)
                self.is_pooled = (await self._admitted(address, probe)).backend != probe.get_server_pid()
                probe.terminate()
            size = 0 if self.is_pooled else _STATEMENTS_KEPT
            connection = await self._opened(address, **options, statement_cache_size=size)
            await self._admitted(address, connection)
        except (*AWAY, NotPrimary):
            if address == self.primary and not self._is_alone:
                self.primary = None  # the next one asks all of them
            raise
        self._open[connection] = address
        return connection

    def give_up(self, address: ServerAddress | None = None) -> None:
        """Hangs up on a server, by default on the primary: what waits there fails at once."""
        address = address or self.primary
        if address == self.primary and not self._is_alone:
            self.primary = None
        hang_up(connection for connection, at in list(self._open.items()) if at == address)
        self._forget_monitor(address)

    def close(self) -> None:
        """Hangs up on every server."""
        hang_up([*self._monitors.values(), *self._open])
        self._monitors.clear()

    async def _opened(self, address: ServerAddress, **options: Any) -> ServerConnection:
        at: dict[str, Any] = {} if self._is_alone else {"host": address.host, "port": address.port}
        known: dict[str, Any] = {
            "timeout": self._connect_s_max,
            "server_settings": {"application_name": "osago"},
            "target_session_attrs": "any",  # `_admit` sees more
            "statement_cache_size": 0,
        }
        return await asyncpg.connect(self._url, **at, **(known | options))

    async def _admitted(self, address: ServerAddress, connection: ServerConnection) -> ServerState:
        """Hangs up on a connection that does not lead to the primary."""
        try:
            with as_closed(connection):
                async with asyncio.timeout(self._connect_s_max):
                    state = await read_state(connection)
            self._admit(address, state)
        except BaseException:
            connection.terminate()
            raise
        return state

    def _admit(self, address: ServerAddress, state: ServerState) -> None:
        """Takes in what a server says of itself; raises NotPrimary."""
        newest = self._newest
        if not state.is_writable:
            raise NotPrimary(f"{address} takes no writes")
        if newest and state.system == newest.system and state.timeline < newest.timeline:
            if (address, state.timeline) not in self._reported:
                self._reported.add((address, state.timeline))
                log.error("database.stale", at=str(address), timeline=state.timeline, newest=newest.timeline)
            raise NotPrimary(f"{address} is an older primary")
        if newest and (state.system, state.timeline) != (newest.system, newest.timeline):
            self._switch(address, state)
        self._newest = self.state = state
        self.primary = address

    def _switch(self, address: ServerAddress, state: ServerState) -> None:
        """Another primary: connections to the one before are closed, also where both have one address."""
        self.generation += 1
        metrics.FAILOVERS.labels("postgresql").inc()
        log.warning("database.failover", at=str(address), timeline=state.timeline)
        hang_up(list(self._open))
        for promotion in self.promotions:
            promotion()

    async def _found(self) -> ServerAddress:
        """The primary, by one search for all that want it."""
        if self._searching is None or self._searching.done():
            self._searching = asyncio.create_task(self._search())
        await asyncio.shield(self._searching)
        if self.primary is None:
            raise NotPrimary("no server of the URL takes writes")
        return self.primary

    async def _search(self) -> None:
        """Asks all servers at once. Of several that take writes the newest timeline is the primary: an older one has come back."""
        states = await asyncio.gather(*(self._probed(address) for address in self.addresses))
        found = [pair for pair in zip(self.addresses, states, strict=True) if pair[1] and pair[1].is_writable]
        for address, state in sorted(found, key=lambda pair: pair[1].timeline if pair[1] else 0, reverse=True)[:1]:
            assert state is not None  # noqa: S101 - it takes writes
            try:
                self._admit(address, state)
            except NotPrimary:
                return

    async def _probed(self, address: ServerAddress) -> ServerState | None:
        try:
            connection = await self._opened(address)
        except AWAY:
            return None
        try:
            async with asyncio.timeout(self._connect_s_max):
                return await read_state(connection)
        except AWAY:
            return None
        finally:
            connection.terminate()

    async def _watch(self, address: ServerAddress) -> None:
        self.is_watched = True
        while True:
            raise_if_cancelled()
            await self._look(address)
            await asyncio.sleep(LOOK_EVERY_S if self.primary else SEARCH_EVERY_S)

    async def _look(self, address: ServerAddress) -> None:
        """Looks at one server once."""
        began_s = asyncio.get_running_loop().time()
        try:
            state = await _within(self._asked(address), LOOK_S_MAX)
            self._admit_known(address, state)
        except NotPrimary:
            if address == self.primary:
                self.give_up(address)
        except TimeoutError:
            self._forget_monitor(address)
            # Where this process itself stood still nothing is known of the server.
            if asyncio.get_running_loop().time() - began_s < LOOK_S_MAX + _STALL_S:
                self._lost(address)
        except asyncpg.PostgresError:  # it answers, and is starting up, or full
            self._forget_monitor(address)
        except AWAY:
            self._forget_monitor(address)
            if address == self.primary and not self._is_alone:
                self._lost(address)

    def _admit_known(self, address: ServerAddress, state: ServerState) -> None:
        """Of two servers of one timeline that both take writes, which no promotion makes, the first that was found stays."""
        newest = self._newest
        is_other = address != self.primary and self.primary is not None
        if (
            is_other
            and newest
            and state.is_writable
            and (state.system, state.timeline) == (newest.system, newest.timeline)
        ):
            return
        if is_other and newest and state.system != newest.system:
            return
        self._admit(address, state)

    def _forget_monitor(self, address: ServerAddress | None) -> None:
        if address and (connection := self._monitors.pop(address, None)):
            connection.terminate()

    def _lost(self, address: ServerAddress) -> None:
        if any(at == address for at in self._open.values()):
            log.warning("database.lost", at=str(address))
        self.give_up(address)

    async def _asked(self, address: ServerAddress) -> ServerState:
        """The state of a server, on the connection that is kept for it."""
        connection = self._monitors.get(address)
        if connection is None or connection.is_closed():
            connection = self._monitors[address] = await self._opened(address)
        with as_closed(connection):
            state = await read_state(connection)
            if address == self.primary:
                await self._hang_up_lost(connection)
        return state

    async def _hang_up_lost(self, connection: ServerConnection) -> None:
        """Hangs up on connections whose statement the server has done long ago: the reply did not come through.

        One that waits there, for a lock or for the standby, is left waiting.
        """
        until_s = asyncio.get_running_loop().time() - REPLY_S_MAX
        late = {pid: one for one, (pid, since_s) in self.writing.items() if since_s < until_s}
        if not late:
            return
        active = {row["pid"] for row in await connection.fetch(_ACTIVE, timedelta(seconds=REPLY_S_MAX))}
        # A pooler's ids are not the server's.
        lost = [one for pid, one in late.items() if pid not in active and not (self.is_pooled and active)]
        hang_up(lost)


async def _within(work: Coroutine[Any, Any, Result], seconds: float) -> Result:
    """As `asyncio.timeout`, but an answer that came while this process stood still counts."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        if not task.done():
            raise TimeoutError
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
