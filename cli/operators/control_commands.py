"""`osago insurers pause | resume | limit | circuit`, and `osago controls`: orders, and the record of them."""

import msgspec

from app.domain.operators.control import AuditEntry, Control, ControlKind
from app.use_cases.controls.operator_controls import OperatorControls
from cli.operators.opened_controls import order_of, run_controls

_AUDIT_LINE = "{:>8}  {:<25}  {:<9}  {:<11}  {:<36}  {:<12}  {:<16}  {}"


def pause_insurer(insurer_id: str, *, why: str, by: str, lasting: str, hold: bool) -> None:
    """The insurer gets no new application."""
    order = order_of(why, by, lasting)

    async def pause(controls: OperatorControls) -> Control:
        return await controls.pause(insurer_id, order, holds=hold)

    print(control_line(run_controls(pause)))


def resume_insurer(insurer_id: str, *, why: str, by: str) -> None:
    """The insurer is asked again."""
    order = order_of(why, by, "")

    async def resume(controls: OperatorControls) -> None:
        await controls.resume(insurer_id, order)

    run_controls(resume)
    print(f"{insurer_id}: resumed")


def limit_insurer(insurer_id: str, rate: str, *, polls: bool, why: str, by: str, lasting: str) -> None:
    """Calls to the insurer keep to this rate, over all workers."""
    order = order_of(why, by, lasting)

    async def limit(controls: OperatorControls) -> Control | None:
        return await controls.limit(insurer_id, rate, order, polls=polls)

    control = run_controls(limit)
    print(control_line(control) if control else f"{insurer_id}: the limit of the file again")


def force_circuit(insurer_id: str, state: str, *, why: str, by: str, lasting: str) -> None:
    """The insurer's circuit stays as it is forced."""
    order = order_of(why, by, lasting)

    async def force(controls: OperatorControls) -> Control | None:
        return await controls.circuit(insurer_id, state, order)

    control = run_controls(force)
    print(control_line(control) if control else f"{insurer_id}: the circuit is left to itself")


def list_controls(*, as_json: bool) -> None:
    """Prints the controls in force, a line each."""

    async def read(controls: OperatorControls) -> list[Control]:
        return list(await controls.in_force())

    found = run_controls(read)
    if as_json:
        print(msgspec.json.encode(found).decode())
        return
    for control in found:
        print(control_line(control))
    if not found:
        print("no control is in force")


def print_audit(*, subject: str, before: int, most: int, as_json: bool) -> None:
    """Prints a page of the audit, the newest first."""

    async def read(controls: OperatorControls) -> list[AuditEntry]:
        return list(await controls.audit(before=before or None, subject=subject or None, most=most))

    found = run_controls(read)
    if as_json:
        print(msgspec.json.encode(found).decode())
        return
    print(_AUDIT_LINE.format("id", "at", "action", "kind", "subject", "setting", "by", "why"))
    for entry in found:
        at = entry.at.isoformat(timespec="seconds")
        cells = (entry.id, at, entry.action.value, entry.kind, entry.subject, entry.setting, entry.author, entry.why)
        print(_AUDIT_LINE.format(*cells))


def control_line(control: Control) -> str:
    """As `sever: paused, its jobs wait, until 2026-11-29T12:00:00+00:00, by anna: its stand is down`."""
    until = f", until {control.until.isoformat(timespec='seconds')}" if control.until else ""
    return f"{control.subject}: {_said(control)}{until}, by {control.author}: {control.why}"


def _said(control: Control) -> str:
    match control.kind:
        case ControlKind.PAUSE:
            return "paused, its jobs wait" if control.setting == "hold" else "paused, its quotes are UNAVAILABLE"
        case ControlKind.LIMIT:
            return f"applications limited to {control.setting}"
        case ControlKind.POLL_LIMIT:
            return f"polls limited to {control.setting}"
        case ControlKind.CIRCUIT:
            return f"circuit forced {control.setting}"
        case ControlKind.DRAIN:
            return "drains"
