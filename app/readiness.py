"""Whether work can be given to a process: kept up to date by its own parts, so that a probe waits for nothing.

PostgreSQL and Redis are each looked at once a second. One that hangs is found by the look that is under way for too long.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from app.domain.errors import RedisAway, Unavailable
from app.observability import metrics
from app.postgres.schema_version import is_current
from app.postgres.servers.addresses import place_of
from app.redis import keys
from app.resources import Resources
from app.runtime.clock import Clock
from app.runtime.descriptors import DescriptorWatch
from app.runtime.periodic import LogThrottle, periodic
from app.runtime.supervision import Part

LOOK_EVERY_S: Final = 1.0
ANSWER_S_MAX: Final = 2.0
"""A server that has not answered a look for so long hangs."""
FIRST_LOOK_S_MAX: Final = 1.0
LOOKS_KEPT: Final = 3
"""The quickest of so many looks in a row is what a server takes: one that was late may be this process's own doing."""
OK: Final = "ok"
NOT_THERE: Final = "not there"
HANGS: Final = "does not answer"
UNKNOWN: Final = "not looked at yet"
BEHIND: Final = "migrations are behind: run `osago migrate`"
SHORT: Final = "hardly any left: new connections are dropped"
_PROBE_MS: Final = 5000
_REFUSALS: Final = {
    "READONLY": "it is a replica",
    "OOM": "its memory is full",
    "MISCONF": "it cannot save",
    "NOREPLICAS": "it has too few replicas",
}

_FULL: Final = {"53100": "its disk is full", "53200": "its memory is full"}

log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether work can be given to this process, and what is missing or degraded."""

    is_ready: bool
    detail: Mapping[str, str]


class Lookout:
    """The known state of one server. `look` returns `ok`, or what is wrong; it raises what its client raises.

    Until it is `ok` for the first time, the log says once a minute where the server is awaited, and what happens there.
    """

    def __init__(self, name: str, look: Callable[[], Awaitable[str]], clock: Clock, *, at: str) -> None:
        self.name = name
        self._at = at
        self._has_been_ok = False
        self._waiting = LogThrottle(clock)
        self._look = look
        self._clock = clock
        self._state = UNKNOWN
        self._took_s: deque[float] = deque(maxlen=LOOKS_KEPT)
        self._looking_since_s: float | None = None
        self.looked = asyncio.Event()
        """Set once something is known."""

    @property
    def state(self) -> str:
        """`ok`, or what is wrong with it; waits for nothing."""
        since_s = self._looking_since_s
        if since_s is not None and self._clock.monotonic() - since_s > ANSWER_S_MAX:
            return HANGS
        return self._state

    @property
    def look_s(self) -> float | None:
        """Seconds of a look, the quickest of the last ones; None while the server takes no work."""
        is_known = self.state == OK and len(self._took_s) == LOOKS_KEPT
        return min(self._took_s) if is_known else None

    def part(self) -> Part:
        return periodic(f"lookout:{self.name}", self.run_once, every_s=LOOK_EVERY_S, clock=self._clock)

    async def run_once(self) -> None:
        """Looks once."""
        self._looking_since_s = self._clock.monotonic()
        try:
            self._learn(await self._look())
        except Unavailable as error:
            cause = error.__cause__ or error
            self._learn(HANGS if isinstance(cause, TimeoutError) else NOT_THERE, type(cause).__name__)
        except Exception:
            self._learn(NOT_THERE)
            raise
        finally:
            took_s = self._clock.monotonic() - self._looking_since_s
            metrics.LOOK_SECONDS.labels(self.name).set(took_s)
            self._took_s.append(took_s)
            self._looking_since_s = None

    def _learn(self, state: str, why: str = "") -> None:
        self._has_been_ok = self._has_been_ok or state == OK
        if not self._has_been_ok and self._waiting.is_due:
            log.warning("start.waits", of=self.name, at=self._at, why=why or state)
        if state != self._state and UNKNOWN not in {state, self._state}:
            write = log.info if state == OK else log.warning
            write("server.state", server=self.name, state=state)
        self._state = state
        metrics.USABLE.labels(self.name).set(state == OK)
        self.looked.set()


class ReadinessMonitor:
    """The known state of the servers that a process needs."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._postgresql = Lookout(
            "postgresql",
            self._look_at_postgresql,
            resources.clock,
            at=place_of(resources.settings.database_url),
        )
        self._descriptors = DescriptorWatch(resources.clock)
        self._redis = Lookout("redis", self._look_at_redis, resources.clock, at=resources.redis_address.place)

    def parts(self) -> list[Part]:
        return [self._postgresql.part(), self._redis.part(), self._descriptors.part()]

    @property
    def looks(self) -> Mapping[str, float]:
        """Seconds of a look at each server that takes work."""
        found = {one.name: one.look_s for one in (self._postgresql, self._redis)}
        return {name: seconds for name, seconds in found.items() if seconds is not None}

    async def first_look(self) -> None:
        """Returns when something is known of both, or after FIRST_LOOK_S_MAX: a process that starts is ready at once."""
        try:
            async with asyncio.timeout(FIRST_LOOK_S_MAX):
                await self._postgresql.looked.wait()
                await self._redis.looked.wait()
        except TimeoutError:
            log.warning("server.state", server="postgresql, redis", state=HANGS)

    async def readiness(self, *, is_draining: bool) -> Readiness:
        """Without PostgreSQL nothing can be promised; without Redis accepting and watching go on, later."""
        if HANGS in {self._postgresql.state, self._redis.state}:
            # This process may have stood still itself. Answers that have come meanwhile are read in the same turn of the loop.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        detail = {one.name: one.state for one in (self._postgresql, self._redis)}
        if self._descriptors.is_short:
            detail["descriptors"] = SHORT
        if is_draining:
            detail["process"] = "draining"
        return Readiness(detail["postgresql"] == OK and not is_draining, detail)

    async def _look_at_postgresql(self) -> str:
        pool = self._resources.pool
        if not await is_current(pool):
            return BEHIND
        refusal = await pool.try_writing() if pool.refusal else None
        if refusal is None:
            return OK
        return f"takes no writes: {_FULL.get(refusal.sqlstate or '', 'it refuses them')} ({refusal.sqlstate})"

    async def _look_at_redis(self) -> str:
        """Writes: a replica and a full server answer PING well, and take no job."""
        redis, shards = self._resources.redis, range(self._resources.jobs.shards)
        try:
            await asyncio.gather(*(redis.set(keys.probe(shard), "1", px=_PROBE_MS) for shard in shards))
            for shard in shards:
                await self._resources.masters.learn(shard, await self._resources.jobs.server(shard))
        except RedisAway as error:
            if not error.refusal:
                raise
            return f"takes no writes: {_REFUSALS.get(error.refusal, 'it refuses them')} ({error.refusal})"
        return OK
