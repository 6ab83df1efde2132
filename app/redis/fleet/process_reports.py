"""Reports of processes for operators: lanes, recent counts, failing parts. No job depends on them; they may be lost.

A report is JSON with the number of its form. A reader leaves a report of another form aside, but for the head that all forms
share, so that releases run beside each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from app.observability.recent_activity import Activity
from app.observability.recent_calls import Calls, merged_calls
from app.redis import keys
from app.redis.fleet.process_health import ProcessHealth
from app.redis.lua_scripts import REPORT, REPORTS
from app.redis.redis_client import RedisClient

FORM: Final = 1
KEPT_MS: Final = 60_000
"""Milliseconds for which a process that reports no more is still shown."""
SILENT_S: Final = 6.0
"""A process that has not reported for three turns is silent."""
PROCESSES_MAX: Final = 1000
REPORT_BYTES_MAX: Final = 128 * 1024
WORKER: Final = "worker"
API: Final = "api"


class LaneReport(msgspec.Struct, rename="camel", frozen=True, omit_defaults=True):
    """One insurer's lane in one worker: its jobs in flight, and how many it may have at once."""

    in_flight: int = 0
    places: int = 0


class ReportHead(msgspec.Struct, rename="camel", frozen=True):
    """The fields of every form of a report. `name` is a worker's consumer."""

    form: int
    kind: str
    name: str
    host: str
    pid: int
    started_at: datetime


class ProcessReport(ReportHead, rename="camel", frozen=True, kw_only=True):
    """A report of this form. `failing`: parts of the process that keep failing."""

    is_draining: bool = False
    failing: tuple[str, ...] = ()
    lanes: dict[str, LaneReport] = {}
    sockets: int = 0
    activity: Activity | None = None
    calls: Calls = {}
    health: ProcessHealth = ProcessHealth()


@dataclass(frozen=True, slots=True)
class HeardReport:
    """A report, and how many seconds ago it came."""

    report: ProcessReport
    age_s: float

    @property
    def is_silent(self) -> bool:
        """Whether this process should have reported again by now."""
        return self.age_s > SILENT_S


@dataclass(frozen=True, slots=True)
class HeardProcesses:
    """Every process that has reported lately, and how many seconds ago each worker beat; negative after Redis's clock was set back."""

    now_ms: int
    reports: Sequence[HeardReport]
    beats_s: Mapping[str, float]

    @property
    def calls(self) -> Calls:
        """Calls to insurers over all of them; a process that reports under two names counts once."""
        distinct = {(one.report.host, one.report.pid): one.report.calls for one in self.reports}
        return merged_calls(distinct.values())


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(ProcessReport).decode
_decode_head: Final = msgspec.json.Decoder(ReportHead).decode


class ProcessReports:
    """The reports of all processes of one Redis. Every method raises RedisAway."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client

    async def write(self, report: ProcessReport) -> None:
        """Replaces the report of this process. One that is too long goes without its activity and its calls."""
        written = _encode(report)
        if len(written) > REPORT_BYTES_MAX:
            written = _encode(msgspec.structs.replace(report, activity=None, calls={}))
        names = [keys.report_moments(), keys.reports()]
        await REPORT.run(self._client, names, [report.name, written, KEPT_MS, PROCESSES_MAX])

    async def withdraw(self, name: str) -> None:
        """The process ends as it should: it is not shown as one that is lost."""
        await self._client.zrem(keys.report_moments(), name)

    async def read(self) -> HeardProcesses:
        """All of them, as far as their form can be read."""
        names = [keys.report_moments(), keys.reports(), keys.heartbeats(0)]
        now_ms, found, beats = await REPORTS.run(self._client, names, [])
        heard = [
            HeardReport(report, max(0.0, (now_ms - float(at_ms)) / 1000))
            for _, at_ms, text in found
            if (report := _read(text)) is not None
        ]
        moments = zip(beats[::2], beats[1::2], strict=True)
        return HeardProcesses(now_ms, heard, {name: (now_ms - float(at)) / 1000 for name, at in moments})


def _read(text: str) -> ProcessReport | None:
    """None: nothing of it can be read."""
    try:
        head = _decode_head(text)
        if head.form == FORM:
            return _decode(text)
        return ProcessReport(head.form, head.kind, head.name, head.host, head.pid, head.started_at)
    except msgspec.MsgspecError:
        return None
