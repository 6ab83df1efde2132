"""`osago insurers`: the insurers, their settings and their availability; `check` calls each of them."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from app.config.insurers_file import InsurerSettings, line_of, load_insurers, naming_the_line
from app.config.quantities import Rate
from app.config.settings import Settings
from app.domain.application import Application
from app.domain.errors import InvalidApplication, RedisAway, WrongSetting
from app.domain.insurer import Availability
from app.domain.intake.application_table import application_table
from app.domain.intake.careful_reader import read_carefully
from app.domain.operators.control import Control, ControlKind
from app.intake.new_request import is_email, moscow_day
from app.redis.insurer_states import InsurerState, InsurerStates
from app.redis.topology import connect, parse_address
from app.runtime.clock import Clock
from app.use_cases.controls.operator_controls import OperatorControls
from cli.demo_settings import load_settings
from cli.operators.control_commands import control_line
from cli.operators.opened_controls import run_controls
from workers.adapters.connectivity import Finding, check

LEFT_OUT = "–"


def list_insurers() -> bool:
    """Prints every insurer, a line each; returns whether their availability is known."""
    settings = load_settings()
    insurers = load_insurers(settings.insurers_file)
    states = asyncio.run(_read_states(settings, list(insurers)))
    orders = _orders()
    ordered = {(control.kind, control.subject) for control in orders}
    table = Table(box=None, pad_edge=False)
    for heading in ("id", "name", "availability", "adapter", "base_url", "creates", "polls", "at once", "time-out"):
        table.add_column(heading, no_wrap=True)
    for id_, one in insurers.items():
        limits = _rate(one.rate_limit), _rate(one.poll_rate_limit), str(one.max_in_flight), f"{one.request_timeout:g}s"
        availability = _availability(states.get(id_)) if states is not None else "unknown"
        if (ControlKind.PAUSE, id_) in ordered:
            availability = f"{Availability.UNAVAILABLE.value}, paused"
        table.add_row(id_, one.name, availability, one.adapter, str(one.base_url), *limits)
    # Through a pipe the lines are whole.
    Console(width=None if sys.stdout.isatty() else 400, soft_wrap=True).print(table)
    for control in orders:
        print(control_line(control))
    if states is None:
        print("Redis cannot be reached: nothing is known of their availability", file=sys.stderr)
    return states is not None


def _orders() -> Sequence[Control]:
    """The operators' orders about insurers; nothing, and a line that says why, where PostgreSQL is away."""

    async def read(controls: OperatorControls) -> Sequence[Control]:
        return [control for control in await controls.in_force() if control.kind is not ControlKind.DRAIN]

    try:
        return run_controls(read)
    except WrongSetting as error:
        print(f"nothing is known of operators' controls: {error}", file=sys.stderr)
        return ()


def check_insurers(ids: Sequence[str], application_file: Path | None = None) -> bool:
    """Calls each one, or these, and prints how they are; returns whether all are well."""
    settings = load_settings()
    path = settings.insurers_file
    insurers = load_insurers(path)
    if unknown := [id_ for id_ in ids if id_ not in insurers]:
        raise WrongSetting(f"{', '.join(unknown)}: not in {path}")
    application = None if application_file is None else _read_application(application_file)
    chosen = [one for id_, one in insurers.items() if not ids or id_ in ids]
    findings = asyncio.run(_check_all(settings, chosen, application))
    for one, finding in zip(chosen, findings, strict=True):
        where = f" ({path}{line_of(path, one.id, finding.key)})" if finding.key else ""
        print(f"{one.id:<20} {'ok' if finding.is_well else 'WRONG':<6} {finding.summary}{where}")
    return all(finding.is_well for finding in findings)


def _read_application(file: Path) -> Application:
    """Reads the application; one without a start starts in ten days."""
    today = moscow_day(Clock().now())
    try:
        raw = msgspec.json.decode(file.read_bytes(), type=dict[str, object])
        start = {"startsOn": (today + timedelta(days=10)).isoformat()}
        # An insurer gets no consent, and this command stores none.
        read, problems = read_carefully(
            application_table(today, is_email), start | raw | {"consent": None}, ("application",)
        )
    except OSError as error:
        raise WrongSetting(f"{file}: {error.strerror}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise WrongSetting(f"{file}: no JSON object") from None
    if problems:
        raise WrongSetting(f"{file}: {InvalidApplication(problems)}")
    return read


async def _check_all(
    settings: Settings, insurers: Sequence[InsurerSettings], application: Application | None
) -> list[Finding]:
    states = await _read_states(settings, [one.id for one in insurers]) or {}
    path = settings.insurers_file
    findings = await asyncio.gather(*(_check(path, one, application) for one in insurers))
    return [_with_state(finding, states.get(one.id)) for one, finding in zip(insurers, findings, strict=True)]


async def _check(path: Path, one: InsurerSettings, application: Application | None) -> Finding:
    try:
        with naming_the_line(path):
            return await check(one, Clock(), application)
    except WrongSetting as error:
        return Finding(is_well=False, summary=str(error))
    except Exception as error:  # noqa: BLE001 - see below
        # One insurer is isolated from the others: what its adapter is made of may come from another house.
        return Finding(is_well=False, summary=f"cannot be checked ({type(error).__name__})", key="adapter")


def _with_state(finding: Finding, state: InsurerState | None) -> Finding:
    """Replaces a good finding where the workers' circuit is open: their calls meet more than a check does."""
    if not finding.is_well or state is None or state.availability is Availability.AVAILABLE:
        return finding
    summary = f"the workers' calls fail, its circuit is open ({state.availability.value}); {finding.summary}"
    return Finding(is_well=False, summary=summary)


async def _read_states(settings: Settings, insurers: Sequence[str]) -> Mapping[str, InsurerState] | None:
    redis = connect(parse_address(settings.redis_url))
    try:
        return (await InsurerStates(redis).read(insurers)).of
    except RedisAway:
        return None
    finally:
        await redis.aclose()


def _availability(state: InsurerState | None) -> str:
    if state is None:
        return LEFT_OUT
    paused_s = max(state.paused_s.values(), default=0)
    return state.availability.value + (f", paused for {paused_s:.0f} s" if paused_s > 0 else "")


def _rate(rate: Rate | None) -> str:
    return "off" if rate is None else str(rate)
