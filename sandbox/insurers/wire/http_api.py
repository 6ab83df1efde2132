"""The HTTP routes of the insurers, for every dialect: creates applications and answers polls.

A poll costs a look-up and a comparison; nothing runs for an application between two calls.
"""

from collections.abc import Iterable
from datetime import timedelta, timezone
from http import HTTPStatus
from typing import Final

from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from app.domain.application import Application
from sandbox.insurers.model.application_store import TakenIn, application_id, offer_number
from sandbox.insurers.model.call_log import KeyRecord
from sandbox.insurers.model.handle import Desk, Sandbox
from sandbox.insurers.model.http_call import Call
from sandbox.insurers.model.magic_values import Magic, applies, magic_of
from sandbox.insurers.model.outcome import Fate, fate_of
from sandbox.insurers.model.priced_application import Unpriceable
from sandbox.insurers.model.pricing import Price
from sandbox.insurers.model.replies import Reply, Said, encode, offered, offered_by_script, refused, unreadable
from sandbox.insurers.script.behaviours import Behaviour, Decline, Offer, Processing
from sandbox.insurers.wire.behave import act, refusal_at_the_door
from sandbox.insurers.wire.callback_sender import call_back
from sandbox.insurers.wire.dialects.dialect import Create, Dialect, Poll

KEY_LENGTH_MAX: Final = 255
OFFER_VALID_FOR: Final = timedelta(days=3)

_MOSCOW: Final = timezone(timedelta(hours=3))
_UNKNOWN_INSURER: Final = Reply(HTTPStatus.NOT_FOUND, encode({"error": "UNKNOWN_INSURER"}))


def routes(sandbox: Sandbox, dialects: Iterable[Dialect]) -> list[Route]:
    """Every address that every insurer has."""
    return [
        Route(f"/{{insurer}}{path}", _Door(sandbox, dialect), methods=[method])
        for dialect in dialects
        for method, path in dialect.paths
    ]


class _Door:
    """Leads calls to the desk of their insurer, and lets none in or out uncounted."""

    def __init__(self, sandbox: Sandbox, dialect: Dialect) -> None:
        self._sandbox = sandbox
        self._dialect = dialect

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        desk = self._sandbox.desks.get(scope["path_params"]["insurer"])
        call = Call(scope, receive, send, insurer=desk and desk.record, lingering=self._sandbox.lingering)
        if desk is None:
            await call.reply(_UNKNOWN_INSURER)
            return
        body = await call.body()
        await _Visit(self._sandbox, desk, self._dialect, call).serve(body)


class _Visit:
    """One call at one insurer's desk."""

    def __init__(self, sandbox: Sandbox, desk: Desk, dialect: Dialect, call: Call) -> None:
        self._sandbox = sandbox
        self._desk = desk
        self._dialect = dialect
        self._call = call

    async def serve(self, body: bytes | None) -> None:
        asked = self._dialect.read(self._call, body or b"", self._desk)
        if isinstance(asked, Reply):
            await self._serve_itself(asked)
            return
        record = self._desk.record
        record.enter("create" if isinstance(asked, Create) else "poll", self._sandbox.clock.now())
        try:
            if isinstance(asked, Poll):
                await self._poll(asked)
            else:
                await self._create(asked, is_too_large=body is None)
        finally:
            record.leave()

    async def _serve_itself(self, reply: Reply) -> None:
        """What the dialect answers alone: a token, or a call that cannot be read."""
        behaviour = None
        if self._call.route.endswith("/token"):
            behaviour = self._desk.script.next("token", "")
            self._desk.record.tokens += 1
        await act(behaviour, reply, self._call, self._dialect)

    async def _create(self, asked: Create, *, is_too_large: bool) -> None:
        if not 1 <= len(asked.key) <= KEY_LENGTH_MAX:
            await self._call.reply(self._dialect.error(HTTPStatus.BAD_REQUEST, "IDEMPOTENCY_KEY_REQUIRED"))
            return
        self._call.key = record = self._sandbox.keys.touch(asked.key, self._sandbox.clock.now())
        record.creates += 1
        if is_too_large:
            await self._call.reply(self._dialect.error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "APPLICATION_TOO_LARGE"))
            return
        behaviour = self._desk.script.next("create", asked.key)
        refusal = refusal_at_the_door(behaviour, self._dialect)
        if refusal is not None:
            await self._call.reply(refusal)
            return
        await self._take_in(asked, record, behaviour)

    async def _take_in(self, asked: Create, record: KeyRecord, behaviour: Behaviour | None) -> None:
        id_ = application_id(self._desk.profile.id, record.key)
        application = self._sandbox.applications.get(self._desk.profile.id, id_)
        if application is None:
            try:
                sent, content = asked.read()
            except Unpriceable as why:
                await act(behaviour, self._dialect.refused(unreadable(str(why))), self._call, self._dialect)
                return
            magic = magic_of(sent, self._desk.profile.id)
            fate = self._fate(sent, content, magic)
            behaviour = behaviour or self._fault_of_create(fate, magic, record)
            refusal = refusal_at_the_door(behaviour, self._dialect)
            if refusal is not None:
                await self._call.reply(refusal)
                return
            application = self._keep(id_, record, sent, fate, magic)
            if magic is None or magic.calls_back:
                await call_back(self._sandbox, self._desk, self._dialect, application, asked.callback_url)
        behaviour = behaviour or applies(application.always, "create", record.creates)
        await self._answer_create(asked, application, record, behaviour)

    @staticmethod
    def _fault_of_create(fate: Fate, magic: Magic | None, record: KeyRecord) -> Behaviour | None:
        """Magic's, or the one that fate has for the first create under a key."""
        if magic:
            return applies(magic.always, "create", record.creates)
        return fate.fault if fate.fault and fate.fault.step == "create" and record.creates == 1 else None

    async def _answer_create(
        self, asked: Create, application: TakenIn, record: KeyRecord, behaviour: Behaviour | None
    ) -> None:
        """With an id, or with the answer itself where the caller waits for it."""
        left_s = max(0.0, application.ready_at - self._sandbox.clock.monotonic())
        if asked.patience_s <= 0 or left_s * bool(asked.patience_s) > asked.patience_s:
            await act(behaviour, self._dialect.created(application.id), self._call, self._dialect)
        elif behaviour is not None:
            await act(behaviour, self._dialect.said(application.answer), self._call, self._dialect)
        elif await self._call.wait(left_s):
            answers = max(1, record.creates - 1)  # a create that waits for the answer is its poll as well
            await self._answer(application, applies(application.always, "poll", answers), asked.patience_s)

    async def _poll(self, asked: Poll) -> None:
        application = self._sandbox.applications.get(self._desk.profile.id, asked.application_id)
        if application is None:
            await self._call.reply(self._dialect.error(HTTPStatus.NOT_FOUND, "UNKNOWN_APPLICATION"))
            return
        self._call.key = record = self._sandbox.keys.touch(application.key, self._sandbox.clock.now())
        record.polls += 1
        await self._answer(application, applies(application.always, "poll", record.polls))

    async def _answer(self, application: TakenIn, always: Behaviour | None, patience_s: float = 0.0) -> None:
        """Where the application stands, as the script has it."""
        behaviour = self._desk.script.next("poll", application.key) or always or application.take_fault()
        said = _said(application, behaviour, self._sandbox.clock.monotonic())
        if said is None and patience_s:
            if patience_s == float("inf"):
                await self._call.hang()
                return
            await self._call.reply(self._dialect.created(application.id))
            return
        await act(behaviour, self._dialect.said(said), self._call, self._dialect)

    def _fate(self, application: Application, content: bytes, magic: Magic | None) -> Fate:
        settings = self._sandbox.settings
        calm = settings.calm or magic is not None
        edition = self._sandbox.edition()
        fate = fate_of(application, content, self._desk.profile, edition, seed=settings.seed, calm=calm)
        if magic is None:
            return fate
        refusal = magic.refuse(application) if magic.refuse else magic.refusal
        return Fate(refusal or fate.answer, 0.0, None)

    def _keep(self, id_: str, record: KeyRecord, sent: Application, fate: Fate, magic: Magic | None) -> TakenIn:
        insurer_id = self._desk.profile.id
        settings = self._sandbox.settings
        latency_s = min(fate.latency_s * settings.time_scale, settings.latency_most_s)
        taken_in = TakenIn(
            id=id_,
            insurer_id=insurer_id,
            key=record.key,
            answer=self._answer_of(id_, sent, fate, magic),
            ready_at=self._sandbox.clock.monotonic() + max(latency_s, settings.latency_least_s),
            fault=fate.fault if fate.fault and fate.fault.step == "poll" else None,
            always=magic and magic.always,
        )
        self._sandbox.applications.add(taken_in)
        record.application_ids[insurer_id] = id_
        self._desk.record.applications += 1
        return taken_in

    def _answer_of(self, id_: str, sent: Application, fate: Fate, magic: Magic | None) -> Said:
        if not isinstance(fate.answer, Price):
            return fate.answer
        insurer_id = self._desk.profile.id
        valid_until = self._sandbox.clock.now().astimezone(_MOSCOW) + OFFER_VALID_FOR
        number = offer_number(insurer_id, id_)
        offer = offered(fate.answer, insurer_id=insurer_id, number=number, valid_until=valid_until)
        return magic.change(offer, sent) if magic and magic.change else offer


def _said(application: TakenIn, behaviour: Behaviour | None, now: float) -> Said | None:
    match behaviour:
        case Offer():
            number = offer_number(application.insurer_id, application.id)
            application.settle(offered_by_script(behaviour, insurer_id=application.insurer_id, number=number))
        case Decline():
            application.settle(refused(behaviour))
        case Processing():
            return None
        case _:
            pass
    return application.said(now)
