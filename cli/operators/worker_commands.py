"""`osago workers`: the workers that are alive, and the drain of one."""

import msgspec

from app.domain.operators.control import Control
from app.redis.fleet.worker_reports import LiveWorker
from app.use_cases.controls.operator_controls import OperatorControls
from cli.operators.control_commands import control_line
from cli.operators.opened_controls import order_of, run_controls

_LINE = "{:<28}  {:<8}  {:<16}  {:>7}  {:<25}  {:>9}  {:>6}  {}"


def list_workers(*, as_json: bool) -> None:
    """Prints every worker with a beat, a line each."""

    async def read(controls: OperatorControls) -> list[LiveWorker]:
        return list(await controls.workers())

    workers = run_controls(read)
    if as_json:
        print(msgspec.json.encode([one.document() for one in workers]).decode())
        return
    print(_LINE.format("name", "state", "host", "pid", "since", "in flight", "beat", "lanes with jobs"))
    for one in workers:
        print(_line(one))


def drain_worker(name: str, *, why: str, by: str) -> None:
    """The worker ends, as on SIGTERM."""
    order = order_of(why, by, "")

    async def drain(controls: OperatorControls) -> Control:
        return await controls.drain(name, order)

    print(control_line(run_controls(drain)))


def _line(one: LiveWorker) -> str:
    beat = f"{one.beat_age_s:.1f}s"
    if one.report is None:
        return _LINE.format(one.name, one.state, "?", "?", "?", "?", beat, "?")
    report = one.report
    lanes = " ".join(f"{lane}:{jobs}" for lane, jobs in report.lanes.items() if jobs)
    since = report.since.isoformat(timespec="seconds")
    return _LINE.format(one.name, one.state, report.host, report.pid, since, report.in_flight, beat, lanes)
