"""The workers that have a beat, each with what it reports of itself. Redis may lose it all: the next report brings it back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from app.redis.fleet.process_reports import ProcessReport, ProcessReports
from app.redis.redis_client import RedisClient


class WorkerReport(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The report of a worker. `lanes`: the jobs in flight of each of its insurers."""

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
    """A worker with a beat. `report` is None until its first report, and for two seconds after a flush."""

    name: str
    """The name of its consumer: its label, and a random part."""
    beat_age_s: float
    is_alive: bool
    """Its beat is younger than the lease; the jobs of another are taken over."""
    report: WorkerReport | None

    @property
    def state(self) -> str:
        """`lost`, `draining` or `alive`."""
        if not self.is_alive:
            return "lost"
        return "draining" if self.report and self.report.is_draining else "alive"

    def document(self) -> dict[str, object]:
        """As JSON has it, for programs; null where nothing is reported."""
        report = self.report
        return {
            "name": self.name,
            "state": self.state,
            "beatAgeSeconds": round(self.beat_age_s, 3),
            "since": report and report.since,
            "host": report and report.host,
            "pid": report and report.pid,
            "inFlight": report and report.in_flight,
            "lanes": report and report.lanes,
        }


class WorkerReports:
    """The workers of one Redis. Every method raises RedisAway."""

    def __init__(self, client: RedisClient, *, lease_s: float) -> None:
        self._processes = ProcessReports(client)
        self._lease_s = lease_s

    async def read(self) -> Sequence[LiveWorker]:
        """Every worker with a beat, by name."""
        heard = await self._processes.read()
        reported = {one.report.name: one.report for one in heard.reports}
        return [
            LiveWorker(name, age_s, 0 <= age_s < self._lease_s, _report(reported.get(name)))
            for name, age_s in sorted(heard.beats_s.items())
        ]


def _report(of: ProcessReport | None) -> WorkerReport | None:
    if of is None:
        return None
    lanes = {insurer_id: lane.in_flight for insurer_id, lane in of.lanes.items()}
    return WorkerReport(host=of.host, pid=of.pid, since=of.started_at, lanes=lanes, is_draining=of.is_draining)
