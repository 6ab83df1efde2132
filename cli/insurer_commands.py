"""`osago insurers`: who is asked, how, and whether they are available; `check` calls each of them."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from app.config.insurers_file import InsurerSettings, line_of, load_insurers, telling_the_line
from app.config.quantities import Rate
from app.config.settings import Settings
from app.domain.errors import WrongSetting
from app.redis.insurer_states import InsurerState, InsurerStates
from app.redis.topology import GONE, close, connect, parse_address
from app.runtime.clock import Clock
from workers.adapters.connectivity import Finding, check

LEFT_OUT = "–"


def list_insurers() -> None:
    """Prints every insurer, a line each."""
    settings = Settings.load()
    insurers = load_insurers(settings.insurers_file)
    states = asyncio.run(_read_states(settings, list(insurers)))
    table = Table(box=None, pad_edge=False)
    for heading in ("id", "name", "availability", "adapter", "base_url", "creates", "polls", "at once", "time-out"):
        table.add_column(heading, no_wrap=True)
    for id_, one in insurers.items():
        limits = _rate(one.rate_limit), _rate(one.poll_rate_limit), str(one.max_in_flight), f"{one.request_timeout:g}s"
        told = _availability(states.get(id_)) if states is not None else "unknown"
        table.add_row(id_, one.name, told, one.adapter, str(one.base_url), *limits)
    # Whoever reads it through a pipe gets whole lines.
    Console(width=None if sys.stdout.isatty() else 400, soft_wrap=True).print(table)
    if states is None:
        print("Redis cannot be reached: nothing is known of their availability", file=sys.stderr)


def check_insurers(ids: Sequence[str]) -> bool:
    """Calls each one, or these, and prints how they are; tells whether all are well."""
    path = Settings.load().insurers_file
    insurers = load_insurers(path)
    if unknown := [id_ for id_ in ids if id_ not in insurers]:
        raise WrongSetting(f"{', '.join(unknown)}: not in {path}")
    chosen = [one for id_, one in insurers.items() if not ids or id_ in ids]
    findings = asyncio.run(_check_all(path, chosen))
    for one, finding in zip(chosen, findings, strict=True):
        where = f" ({path}{line_of(path, one.id, finding.key)})" if finding.key else ""
        print(f"{one.id:<20} {'ok' if finding.is_well else 'WRONG':<6} {finding.told}{where}")
    return all(finding.is_well for finding in findings)


async def _check_all(path: Path, insurers: Sequence[InsurerSettings]) -> list[Finding]:
    return await asyncio.gather(*(_check(path, one) for one in insurers))


async def _check(path: Path, one: InsurerSettings) -> Finding:
    try:
        with telling_the_line(path):
            return await check(one, Clock())
    except WrongSetting as error:
        return Finding(is_well=False, told=str(error))


async def _read_states(settings: Settings, insurers: Sequence[str]) -> Mapping[str, InsurerState] | None:
    redis = connect(parse_address(settings.redis_url))
    try:
        return (await InsurerStates(redis).read(insurers)).of
    except GONE:
        return None
    finally:
        await close(redis)


def _availability(state: InsurerState | None) -> str:
    if state is None:
        return LEFT_OUT
    paused_s = max(state.paused_s.values(), default=0)
    return state.availability.value + (f", paused for {paused_s:.0f} s" if paused_s > 0 else "")


def _rate(rate: Rate | None) -> str:
    return "off" if rate is None else str(rate)
