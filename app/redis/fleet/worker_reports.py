"""The workers that are alive, as each reports itself once a second. Redis may lose it all: the next report brings it back."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from app.redis import keys
from app.redis.lua_scripts import READ_WORKERS, REPORT_WORKER
from app.redis.redis_client import RedisClient

KEPT_S: Final = 600.0
_encode: Final = msgspec.json.Encoder().encode


class WorkerReport(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a worker reports. `lanes`: the jobs in flight of each of its insurers."""

    host: str
    pid: int
    since: datetime
    lanes: Mapping[str, int]
    is_draining: bool = False

    @property
    def in_flight(self) -> int:
        """Its jobs, of all lanes."""
        return sum(self.lanes.values())


@dataclass(frozen=True, slots=True)
class LiveWorker:
    """A worker with a beat. `report` is None until its first report, and for a second after a flush."""

    name: str
    """Of its consumer: its label, and a random part."""
    beat_age_s: float
    is_alive: bool
    """Its beat is younger than the lease; the jobs of another are taken over."""
    report: WorkerReport | None


class WorkerReports:
    """The reports in one Redis. Every method raises RedisAway."""

    def __init__(self, client: RedisClient, *, lease_s: float) -> None:
        self._client = client
        self._lease_s = lease_s
        self._keys = [keys.workers(), keys.heartbeats(0)]

    async def put(self, name: str, report: WorkerReport) -> None:
        """Keeps a worker's report, in place of its last one."""
        await REPORT_WORKER.run(self._client, self._keys, [int(KEPT_S * 1000), name, _encode(report)])

    async def leave(self, name: str) -> None:
        """The worker has ended."""
        await REPORT_WORKER.run(self._client, self._keys, [0, name, ""])

    async def read(self) -> Sequence[LiveWorker]:
        """Every worker with a beat, by name."""
        now_ms, reports, beats = await READ_WORKERS.run(self._client, self._keys, [])
        reported = dict(_pairs(reports))
        found: list[LiveWorker] = []
        for name, beat in sorted(_pairs(beats)):
            age_s = (now_ms - float(beat)) / 1000
            is_alive = 0 <= age_s < self._lease_s
            found.append(LiveWorker(name, age_s, is_alive, _report(reported.get(name))))
        return found


def _pairs(flat: Sequence[str]) -> Iterator[tuple[str, str]]:
    return zip(flat[::2], flat[1::2], strict=True)


def _report(text: str | None) -> WorkerReport | None:
    """None also for the report of a release that writes another form."""
    try:
        return msgspec.json.decode(text, type=WorkerReport) if text else None
    except msgspec.MsgspecError:
        return None
