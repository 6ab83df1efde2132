"""The insurers' side of the `rest-poll` API: takes applications in, and answers polls for their offers.

A poll costs a look-up and a comparison; nothing runs for an application between two calls.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta, timezone
from typing import Final

from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from sandbox.insurers.acting import act, refusal_at_the_door
from sandbox.insurers.answers import (
    PROCESSING,
    Reply,
    created,
    declined,
    error,
    offered,
    offered_by_script,
    unpriceable,
)
from sandbox.insurers.application import Unpriceable, read_application
from sandbox.insurers.applications import TakenIn, application_id, offer_number
from sandbox.insurers.behaviours import Behaviour, Decline, Offer, Processing, Step
from sandbox.insurers.calls import Call
from sandbox.insurers.fate import Fate, fate_of
from sandbox.insurers.ledger import KeyRecord
from sandbox.insurers.pricing import Price
from sandbox.insurers.sandbox import Desk, Sandbox

KEY_LENGTH_MOST: Final = 255
OFFER_VALID_FOR: Final = timedelta(days=3)

_MOSCOW: Final = timezone(timedelta(hours=3))
_UNKNOWN_INSURER: Final = error(404, "UNKNOWN_INSURER")
_UNKNOWN_APPLICATION: Final = error(404, "UNKNOWN_APPLICATION")
_KEY_REQUIRED: Final = error(400, "IDEMPOTENCY_KEY_REQUIRED")
_TOO_LARGE: Final = error(413, "APPLICATION_TOO_LARGE")


def routes(sandbox: Sandbox) -> list[Route]:
    """The two addresses that every insurer has."""
    return [
        Route("/{insurer}/applications/{application}", _Door(sandbox, "poll", _poll), methods=["GET"]),
        Route("/{insurer}/applications", _Door(sandbox, "create", _create), methods=["POST"]),
    ]


class _Door:
    """Leads calls to the desk of their insurer, and lets none in or out uncounted."""

    def __init__(self, sandbox: Sandbox, step: Step, answer: Callable[[Sandbox, Desk, Call], Awaitable[None]]) -> None:
        self._sandbox = sandbox
        self._step: Step = step
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        desk = self._sandbox.desks.get(scope["path_params"]["insurer"])
        call = Call(scope, receive, send, insurer=desk and desk.record, lingering=self._sandbox.lingering)
        if desk is None:
            await call.reply(_UNKNOWN_INSURER)
            return
        desk.record.enter(self._step, self._sandbox.clock.now())
        try:
            await self._answer(self._sandbox, desk, call)
        finally:
            desk.record.leave()


async def _create(sandbox: Sandbox, desk: Desk, call: Call) -> None:
    key = call.header(b"idempotency-key")
    body = await call.body()
    if not 1 <= len(key) <= KEY_LENGTH_MOST:
        await call.reply(_KEY_REQUIRED)
        return
    call.key = record = sandbox.keys.touch(key, sandbox.clock.now())
    record.creates += 1
    if body is None:
        await call.reply(_TOO_LARGE)
        return
    behaviour = desk.script.next("create", key)
    refusal = refusal_at_the_door(behaviour)
    if refusal is not None:
        await call.reply(refusal)
        return
    reply, fault = _take_in(sandbox, desk, record, body, tempted=behaviour is None)
    await act(behaviour or fault, reply, call)


async def _poll(sandbox: Sandbox, desk: Desk, call: Call) -> None:
    application = sandbox.applications.get(desk.profile.id, call.path("application"))
    if application is None:
        await call.reply(_UNKNOWN_APPLICATION)
        return
    call.key = record = sandbox.keys.touch(application.key, sandbox.clock.now())
    record.polls += 1
    behaviour = desk.script.next("poll", application.key) or application.take_fault()
    await act(behaviour, _status(application, behaviour, sandbox.clock.monotonic()), call)


def _take_in(
    sandbox: Sandbox, desk: Desk, record: KeyRecord, body: bytes, *, tempted: bool
) -> tuple[Reply, Behaviour | None]:
    """What the caller should hear, and the fault that fate has for the first create under a key if it is tempted."""
    id_ = application_id(desk.profile.id, record.key)
    if sandbox.applications.get(desk.profile.id, id_):
        return created(id_), None
    try:
        application, content = read_application(body)
    except Unpriceable as why:
        return unpriceable(str(why)), None
    settings = sandbox.settings
    fate = fate_of(application, content, desk.profile, seed=settings.seed, calm=settings.calm)
    at_once = fate.fault if fate.fault and fate.fault.step == "create" else None
    fault = at_once if tempted and record.creates == 1 else None
    if refusal_at_the_door(fault) is None:
        sandbox.applications.add(_taken_in(sandbox, desk, id_, record.key, fate))
        record.application_ids[desk.profile.id] = id_
        desk.record.applications += 1
    return created(id_), fault


def _taken_in(sandbox: Sandbox, desk: Desk, id_: str, key: str, fate: Fate) -> TakenIn:
    insurer_id = desk.profile.id
    if isinstance(fate.answer, Price):
        valid_until = sandbox.clock.now().astimezone(_MOSCOW) + OFFER_VALID_FOR
        number = offer_number(insurer_id, id_)
        answer = offered(fate.answer, insurer_id=insurer_id, number=number, valid_until=valid_until)
    else:
        answer = declined(fate.answer)
    return TakenIn(
        id=id_,
        insurer_id=insurer_id,
        key=key,
        answer=answer,
        ready_at=sandbox.clock.monotonic() + fate.latency_s * sandbox.settings.time_scale,
        fault=fate.fault if fate.fault and fate.fault.step == "poll" else None,
    )


def _status(application: TakenIn, behaviour: Behaviour | None, now: float) -> Reply:
    """Where the application stands, for this behaviour."""
    match behaviour:
        case Offer():
            number = offer_number(application.insurer_id, application.id)
            application.settle(offered_by_script(behaviour, insurer_id=application.insurer_id, number=number))
        case Decline():
            application.settle(declined(behaviour))
        case Processing():
            return PROCESSING
        case _:
            pass
    return application.reply(now)
