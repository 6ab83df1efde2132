"""Changes that an operator makes in the console. Each verb is a use case of the command line too, with its audit."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from app.api.console.console_answers import as_json
from app.api.console.console_parts import Console
from app.api.console.console_views import control_document
from app.api.graphql_errors import BadHttpRequest
from app.api.http.request_head import json_body
from app.domain.errors import ControlRefused
from app.domain.operators.control import AuditAction, AuditEntry, Control, Order

LETTERS_AT_ONCE_MAX: Final = 500


class _ControlOrder(msgspec.Struct, rename="camel"):
    """`verb`: pause, resume, limit, circuit, drain or cancel. `subject`: an insurer or a worker; of cancel an insurer or none."""

    verb: str
    why: str
    subject: str = ""
    setting: str = ""
    holds: bool = False
    polls: bool = False
    lasts_s: float | None = None
    requests: list[UUID] = []


class _LettersOrder(msgspec.Struct):
    ids: list[str]
    why: str = ""


_read_control: Final = msgspec.json.Decoder(_ControlOrder).decode
_read_letters: Final = msgspec.json.Decoder(_LettersOrder).decode


async def change_control(request: Request, console: Console) -> Response:
    """Carries out one order."""
    session = console.access.acting(request)
    wanted = _decoded(_read_control, await json_body(request))
    carry_out = _VERBS.get(wanted.verb)
    if carry_out is None:
        raise BadHttpRequest(400, f"verb: {', '.join(_VERBS)}")
    return as_json(await carry_out(console, wanted, Order(session.subject, wanted.why.strip(), wanted.lasts_s)))


async def drop_letters(request: Request, console: Console) -> Response:
    """Removes dead letters that have been looked at."""
    session = console.access.acting(request)
    wanted = _decoded(_read_letters, await json_body(request))
    await _record_letters(console, wanted, AuditAction.DROPPED, Order(session.subject, wanted.why.strip()))
    return as_json({"dropped": await console.letters.drop(wanted.ids)})


async def retry_letters(request: Request, console: Console) -> Response:
    """Has a worker ask the insurers again; what comes of it is shown beside the letters."""
    session = console.access.acting(request)
    wanted = _decoded(_read_letters, await json_body(request))
    await _record_letters(console, wanted, AuditAction.RETRIED, Order(session.subject, wanted.why.strip()))
    await console.letters.queue_retries(wanted.ids)
    return as_json({"queued": len(wanted.ids)})


async def _record_letters(console: Console, wanted: _LettersOrder, action: AuditAction, order: Order) -> None:
    await _check_letters(console, wanted.ids)
    now = console.resources.clock.now()
    for id_ in wanted.ids:
        await console.resources.controls.record(AuditEntry(now, action, "dead-letter", id_, order.author, order.why))


async def _check_letters(console: Console, ids: list[str]) -> None:
    """Raises: ControlRefused: one of them is no letter."""
    if not 1 <= len(ids) <= LETTERS_AT_ONCE_MAX:
        raise ControlRefused(f"1 to {LETTERS_AT_ONCE_MAX} dead letters at once")
    for id_ in ids:
        try:
            found = await console.letters.find(id_)
        except ValueError:
            found = None
        if found is None:
            raise ControlRefused(f"{id_[:40]}: there is no such dead letter")


async def _pause(console: Console, wanted: _ControlOrder, order: Order) -> Mapping[str, Any]:
    return _set(await console.resources.controls.pause(wanted.subject, order, holds=wanted.holds))


async def _resume(console: Console, wanted: _ControlOrder, order: Order) -> Mapping[str, Any]:
    await console.resources.controls.resume(wanted.subject, order)
    return _set(None)


async def _limit(console: Console, wanted: _ControlOrder, order: Order) -> Mapping[str, Any]:
    return _set(
        await console.resources.controls.limit(wanted.subject, wanted.setting.strip(), order, polls=wanted.polls)
    )


async def _circuit(console: Console, wanted: _ControlOrder, order: Order) -> Mapping[str, Any]:
    return _set(await console.resources.controls.circuit(wanted.subject, wanted.setting, order))


async def _drain(console: Console, wanted: _ControlOrder, order: Order) -> Mapping[str, Any]:
    return _set(await console.resources.controls.drain(wanted.subject, order))


async def _cancel(console: Console, wanted: _ControlOrder, order: Order) -> Mapping[str, Any]:
    canceller = console.resources.bulk_cancel
    if wanted.requests:
        done = await canceller.cancel(wanted.requests, order)
    elif wanted.subject in console.resources.insurers:
        done = await canceller.cancel_waiting_for(wanted.subject, order)
    else:
        raise ControlRefused("requests, or an insurer of the file, are needed")
    return {"cancelled": done.cancelled, "ended": done.ended, "unknown": done.unknown}


def _set(control: Control | None) -> Mapping[str, Any]:
    return {"control": None if control is None else control_document(control)}


def _decoded(read: Callable[[bytes], Any], body: bytes) -> Any:
    try:
        return read(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise BadHttpRequest(400, "The body is not what this address takes") from None


_Verb = Callable[[Console, _ControlOrder, Order], Awaitable[Mapping[str, Any]]]
_VERBS: Final[Mapping[str, _Verb]] = MappingProxyType(
    {
        "pause": _pause,
        "resume": _resume,
        "limit": _limit,
        "circuit": _circuit,
        "drain": _drain,
        "cancel": _cancel,
    }
)
