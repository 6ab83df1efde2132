"""The view as Rich draws it: how it goes, what needs a hand, and every insurer, or one of them."""

from collections.abc import Iterator
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from app.overview.system_snapshot import CircuitFigures, Concern, InsurerFigures, LimitFigures, Snapshot, Urgency
from cli.top.top_state import TopState, chosen_of, in_order

CONCERNS_SHOWN_MAX: Final = 6
_HELP: Final = "↑↓ choose · enter look into · s sort · p pause or resume · q quit"
_WORDS: Final = {
    "SERVER_AWAY": "is away",
    "SERVER_SLOW": "is slow, a small statement takes",
    "NO_WORKER": "no worker is alive",
    "PROCESS_SILENT": "has gone silent",
    "PROCESS_FAILING": "has a part that keeps failing",
    "PROCESS_DRAINING": "is draining",
    "NOTIFIER_DOWN": "does not hear pub/sub",
    "CLOCK_OFF": "has a clock that is off by",
    "SLOW_READERS": "has clients that take nothing",
    "OVERDUE": "requests are open past their end",
    "ENDS_LATE": "requests ended late",
    "OUTBOX_WAITS": "notices wait for Redis",
    "FRAMES_SLOW": "of frames within 500 ms",
    "PAUSED": "is paused",
    "CIRCUIT_FORCED": "has a forced circuit",
    "CIRCUIT_OPEN": "has an open circuit",
    "CIRCUIT_TRIAL": "has its circuit on trial",
    "INSURER_FAILING": "fails",
    "INSURER_HANGS": "hangs: calls end by time-out",
    "INSURER_BUSY": "asks for patience (429)",
    "INSURER_SLOW": "is slow",
    "CALLS_PUT_OFF": "asks not to be called for",
    "JOBS_WAIT": "has jobs that wait",
    "LANE_FULL": "has its lane full",
    "DEAD_LETTERS": "dead letters",
}
_SECONDS: Final = frozenset(
    {
        *("SERVER_SLOW", "PROCESS_SILENT", "NOTIFIER_DOWN", "CLOCK_OFF", "OUTBOX_WAITS", "CIRCUIT_OPEN"),
        *("INSURER_SLOW", "CALLS_PUT_OFF", "JOBS_WAIT"),
    }
)
_SHARES: Final = frozenset({"FRAMES_SLOW", "INSURER_FAILING", "INSURER_HANGS", "INSURER_BUSY"})


def view(state: TopState, snapshot: Snapshot | None) -> RenderableType:
    """The whole screen."""
    if snapshot is None:
        return Text("reading …", style="dim")
    one = chosen_of(state, snapshot)
    body = _insurer(one, snapshot) if state.is_looked_into and one else _insurers(state, snapshot)
    return Group(_headline(snapshot), *_concerns(snapshot), Text(), body, Text(), _foot(state))


def _headline(snapshot: Snapshot) -> Text:
    requests, push = snapshot.requests, snapshot.push
    parts = [
        f"{snapshot.at:%H:%M:%S}Z",
        f"accepted {requests.accepted} in 5 min",
        f"open {'–' if requests.open is None else requests.open}",
        f"in time {_share(requests.in_time)}",
        f"answer → frame p99 {_duration(push.p99_s)}",
        f"workers {sum(one.kind == 'worker' and one.state != 'SILENT' for one in snapshot.processes)}",
    ]
    return Text(" · ".join(parts), style="bold")


def _concerns(snapshot: Snapshot) -> Iterator[Text]:
    for concern in snapshot.concerns[:CONCERNS_SHOWN_MAX]:
        yield Text(_concern(concern), style="red" if concern.urgency is Urgency.ALARM else "yellow")
    if len(snapshot.concerns) > CONCERNS_SHOWN_MAX:
        yield Text(f"and {len(snapshot.concerns) - CONCERNS_SHOWN_MAX} more", style="dim")
    if not snapshot.concerns:
        yield Text("nothing needs a hand", style="green")


def _concern(one: Concern) -> str:
    words, value = _WORDS.get(one.code, one.code), _value(one)
    subject = f"{one.subject} {words} {value}" if one.subject else f"{value} {words}"
    usual = f"usually {_duration(one.usual)}" if one.usual else ""
    more = ", ".join(filter(None, (one.detail, usual)))
    page = f" → {one.runbook}" if one.runbook and one.urgency is Urgency.ALARM else ""
    return f"● {subject.strip()}{f' ({more})' if more else ''}{page}"


def _value(one: Concern) -> str:
    if one.value is None:
        return ""
    if one.code in _SECONDS:
        return f"{'−' if one.value < 0 else ''}{_duration(abs(one.value))}"
    return _share(one.value) if one.code in _SHARES else f"{one.value:g}"


def _insurers(state: TopState, snapshot: Snapshot) -> Table:
    table = Table(box=None, padding=(0, 1), expand=True)
    for name, justify in (
        ("insurer", "left"),
        ("waiting", "right"),
        ("oldest", "right"),
        ("in flight", "right"),
        ("answers", "left"),
        ("p50", "right"),
        ("p99", "right"),
        ("calls", "right"),
        ("limit", "right"),
        ("state", "left"),
    ):
        marked = f"{name} ▾" if name == state.order or (name == "state" and state.order == "trouble") else name
        table.add_column(marked, justify=justify, no_wrap=True)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    chosen = chosen_of(state, snapshot)
    for one in in_order(state, snapshot):
        table.add_row(*_row(one), style="reverse" if chosen and one.id == chosen.id else "")
    return table


def _row(one: InsurerFigures) -> tuple[str | Text, ...]:
    return (
        one.id,
        "–" if one.waiting is None else str(one.waiting),
        _duration(one.oldest_s),
        f"{one.in_flight}/{one.places}",
        " ".join(f"{status.lower()} {count}" for status, count in one.answers.items()) or "–",
        _duration(one.asking_p50_s),
        _duration(one.asking_p99_s),
        str(sum(one.calls.values())),
        _limit(one.create_limit),
        state_of(one),
    )


def state_of(one: InsurerFigures) -> Text:
    """The state in a word or two; red where a hand is needed."""
    if one.pause:
        return Text("paused, holds" if one.pause.hold else "paused", style="yellow")
    if one.circuit is None:
        return Text("not known", style="dim")
    if one.circuit.forced:
        return Text(f"circuit forced {one.circuit.forced}", style="yellow")
    return _state_without_orders(one, one.circuit)


def _state_without_orders(one: InsurerFigures, circuit: CircuitFigures) -> Text:
    match circuit.state:
        case "UNAVAILABLE":
            return Text(f"circuit open {_duration(circuit.open_s)}", style="red")
        case _ if one.trouble:
            return Text(_WORDS.get(one.trouble, one.trouble), style="red")
        case "RECOVERING":
            return Text("circuit on trial", style="yellow")
        case _:
            return Text("working", style="green")


def _insurer(one: InsurerFigures, snapshot: Snapshot) -> Table:
    table = Table.grid(padding=(0, 2))
    rows: list[tuple[str, str | Text]] = [
        ("insurer", f"{one.id} · {one.name}"),
        ("state", state_of(one)),
        ("waiting", f"{'–' if one.waiting is None else one.waiting}, the oldest {_duration(one.oldest_s)}"),
        ("in flight", f"{one.in_flight} of {one.places}, in {one.workers} workers"),
        ("answers in 5 min", ", ".join(f"{status.lower()} {count}" for status, count in one.answers.items()) or "–"),
        ("asking", f"p50 {_duration(one.asking_p50_s)}, p99 {_duration(one.asking_p99_s)}"),
        ("calls in 5 min", ", ".join(f"{result} {count}" for result, count in one.calls.items()) or "–"),
        ("limits", f"creates {_limit(one.create_limit)}, polls {_limit(one.poll_limit)}"),
    ]
    if one.pause:
        until = f", until {one.pause.until:%H:%M:%S}Z" if one.pause.until else ""
        rows.append(("paused", f"{one.pause.why} ({one.pause.by}{until})"))
    rows += [
        ("worker", f"{process.name}: {process.lanes[one.id].in_flight} in flight")
        for process in snapshot.processes
        if one.id in process.lanes
    ]
    for name, value in rows:
        table.add_row(Text(name, style="dim"), value)
    return table


def _foot(state: TopState) -> Text:
    if state.asking:
        verb = "Resume" if state.asking.is_paused else "Pause"
        return Text(f"{verb} {state.asking.insurer_id}. Why? {state.asking.why}▏  (enter: do it, escape: leave it)")
    return Text(state.said or _HELP, style="" if state.said else "dim")


def _limit(one: LimitFigures) -> str:
    if one.count is None or one.per_s is None:
        return "–"
    units = {1: "s", 60: "min", 3600: "h", 86_400: "d"}
    return f"{one.count}/{units.get(int(one.per_s), f'{one.per_s:g}s')}{'*' if one.by_control else ''}"


def _share(share: float | None) -> str:
    return "–" if share is None else f"{int(share * 10_000) / 100:g} %"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.0f} min"  # noqa: PLR2004 - where minutes read better
