"""`osago requests cancel`: requests cancelled in bulk, after a question."""

import asyncio
import sys
from collections.abc import Sequence
from uuid import UUID

from app.domain.errors import WrongSetting
from app.domain.operators.control import Order
from app.observability import logs
from app.resources import Resources, open_resources
from app.use_cases.controls.bulk_cancel import BulkCancelled
from cli.demo_settings import load_settings
from cli.operators.opened_controls import order_of, refusing
from cli.server_access import run_against_servers

_YES = ("y", "yes")


def cancel_requests(ids: Sequence[str], *, insurer: str, why: str, by: str, is_agreed: bool) -> int:
    """Cancels these requests, or all that wait for an insurer; returns the exit code: 1 where the answer was no."""
    order = order_of(why, by, "")
    if bool(ids) == bool(insurer):
        raise WrongSetting("requests cancel: ids of requests, or --insurer ID")
    named = [_id_of(text) for text in ids]
    settings = load_settings()
    logs.configure(log_format="console", level="error")  # the command prints its outcome itself

    async def main() -> BulkCancelled | None:
        async with open_resources(settings) as resources:
            count = len(named) if named else await resources.bulk_cancel.waiting_for(insurer)
            what = f"{count} requests" if named else f"{count} open requests that wait for {insurer}"
            if not is_agreed and not await asyncio.to_thread(_is_agreed, what):
                return None
            return await _cancel(resources, named, insurer, order)

    done = refusing(lambda: run_against_servers(main))
    if done is None:
        print("nothing is cancelled")
        return 1
    print(f"cancelled {done.cancelled}, ended before {done.ended}, not there {done.unknown}")
    return 0


async def _cancel(resources: Resources, named: Sequence[UUID], insurer: str, order: Order) -> BulkCancelled:
    if named:
        return await resources.bulk_cancel.cancel(named, order)
    return await resources.bulk_cancel.cancel_waiting_for(insurer, order)


def _is_agreed(what: str) -> bool:
    print(f"Cancel {what}? Their customers get no further offer. [y/N] ", end="", flush=True)
    return sys.stdin.readline().strip().lower() in _YES


def _id_of(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise WrongSetting(f"{text[:40]}: not the id of a request") from None
