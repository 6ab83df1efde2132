"""Asking one insurer about one application: create, then poll until there is an answer, all inside one absolute end."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from datetime import datetime
from typing import Final, NamedTuple, TypeVar

from app.config.insurers_file import InsurerSettings, PollInterval
from app.domain.application import VehicleCategory
from app.domain.errors import CircuitOpen, InsurerBusy, InsurerError, InsurerPaused, InsurerUnavailable, OurLimit
from app.domain.intake.moscow_calendar import moscow_day
from app.domain.quote import NOT_SUITED, PAUSED, STARTS_TOO_SOON, Answer, NoOffer, ReasonCode, failed, sold_at
from app.observability.recent_activity import RECENT
from app.observability.tracing.spans import Attributes, child_span
from app.runtime.cancellation import race, raise_if_cancelled
from app.runtime.clock import Clock
from app.story.request_story import WaitKind
from workers.adapters.adapter import Adapter, Created
from workers.adapters.containment import Containment, checked
from workers.adapters.transport.call_timeout import gated
from workers.insurer_calls.answer_fitting import fitted
from workers.insurer_calls.call_meter import CallMeter
from workers.insurer_calls.call_pacer import CallPacer
from workers.insurer_calls.call_trace import OK_RESULT, CallTrace, record_refusal
from workers.insurer_calls.callback_waiter import STEP as CALLBACK_STEP
from workers.insurer_calls.callback_waiter import CallbackWaiter
from workers.insurer_calls.failure_log import FailureLog
from workers.insurer_calls.offer_examiner import OfferExaminer
from workers.insurer_calls.redaction import is_echo, without_echo
from workers.insurer_calls.verdict import AskAgain, GiveUp, verdict
from workers.job import Job, Ownership
from workers.resilience.circuit_breaker import Passage, SharedBreaker
from workers.resilience.pause_gate import PauseGate
from workers.resilience.rate_limit import RateLimits, Turn

Result = TypeVar("Result")

CREATE: Final = "create"
POLL: Final = "poll"
LAST_LOOK_S: Final = 1.0
"""Seconds before the end at which there is a last poll, however long the interval has grown by then."""
_SENT: Final = "~"
"""Remembered in place of the insurer's id where a create must not be repeated."""


class _NoOffer(Exception):
    """There will be none. `is_answered`: whether the insurer has said so; None where nothing is known of it."""

    def __init__(self, answer: NoOffer, *, is_answered: bool | None) -> None:
        super().__init__(answer.status)
        self.answer = answer
        self.is_answered = is_answered


class _Conversation(NamedTuple):
    """The conversation of one job: its ownership, and its passage through the circuit."""

    job: Job
    ownership: Ownership
    passage: Passage


class InsurerExchange:
    """Asks one insurer."""

    def __init__(
        self,
        settings: InsurerSettings,
        adapter: Adapter,
        circuit: SharedBreaker,
        limits: RateLimits,
        clock: Clock,
        callback_waiter: CallbackWaiter,
        *,
        end_margin_s: float,
        pace: CallPacer | None = None,
        examiner: OfferExaminer | None = None,
        gate: PauseGate | None = None,
    ) -> None:
        self.insurer_id = settings.id
        self._settings = settings
        self._named: Final[Attributes] = {"osago.insurer": settings.id}
        self._adapter = adapter
        self._circuit = circuit
        self._limits = limits
        self._clock = clock
        self._callback_waiter = callback_waiter
        self._containment = Containment(settings.id, clock)
        self._poll_interval = _poll_interval(settings, adapter)
        self._insured = adapter.abilities.categories.intersection(settings.categories or VehicleCategory)
        self._end_margin_s = end_margin_s
        self._pace = pace or CallPacer()
        self._examiner = examiner
        self._gate = gate or PauseGate()
        self.failures = FailureLog(settings.id, clock)
        self._meter = CallMeter(settings.id, clock)

    def left_s(self, job: Job) -> float:
        """Seconds until asking stops."""
        return self._clock.seconds_until(job.expires_at) - self._end_margin_s

    async def ask(self, job: Job, ownership: Ownership) -> Answer | None:
        """The insurer's answer, or why there is no offer; None when the end came first.

        Raises:
            NotOurs: another worker has the job now.
        """
        if job.application.vehicle.category not in self._insured:
            return NOT_SUITED
        days_ahead = (job.application.starts_on - moscow_day(self._clock.now())).days
        if days_ahead < self._settings.starts_ahead_days:
            return STARTS_TOO_SOON
        passage = self._circuit.passage()
        try:
            async with asyncio.timeout(max(0.0, self.left_s(job))):
                answer = without_echo(await self._ask(_Conversation(job, ownership, passage)), job)
            answer = sold_at(fitted(answer, job.application), self._settings.purchase_hosts)
        except TimeoutError:
            await passage.end_at_deadline()
            return None
        except _NoOffer as ending:
            await passage.end(is_answered=ending.is_answered)
            return fitted(without_echo(ending.answer, job), job.application)
        except InsurerPaused:
            await passage.end(is_answered=None)
            return PAUSED
        except BaseException:
            await passage.end(is_answered=None)
            raise
        await passage.end(is_answered=True)
        if self._examiner:
            self._examiner.examine(answer, job)
        return answer

    async def paused_answer(self, expires_at: datetime) -> NoOffer | None:
        """For a job that is asked about elsewhere: waits while its insurer's jobs are held; the answer where they are refused."""
        try:
            async with asyncio.timeout(max(0.0, self._clock.seconds_until(expires_at) - self._end_margin_s)):
                await self._gate.passed()
        except InsurerPaused:
            return PAUSED
        except TimeoutError:
            pass
        return None

    async def _ask(self, conversation: _Conversation) -> Answer:
        if not self._adapter.abilities.calls_back:
            return await self._converse(conversation)
        # The insurer may call before it has answered the create, and so before there is anything to poll.
        return await race(
            self._called_back(conversation.job),
            self._converse(conversation),
        )

    async def _called_back(self, job: Job) -> Answer:
        answer = await self._callback_waiter.answer(job, self._adapter, self._containment)
        job.holding.trail.called(CALLBACK_STEP, self._clock.monotonic(), 0.0, OK_RESULT)
        return answer

    async def _converse(self, conversation: _Conversation) -> Answer:
        job, ownership = conversation.job, conversation.ownership
        application_id = job.application_id
        if application_id == _SENT:  # by a worker that never recorded the answer: a second create may be one too many
            raise _NoOffer(failed(ReasonCode.INSURER_UNREACHABLE), is_answered=None)
        if application_id is None:
            await self._pass_gate(job)  # before anything is remembered of a call
            if not self._adapter.abilities.is_idempotent:
                await ownership.remember(job, _SENT)
            created = await self._step(
                CREATE, conversation, lambda: self._adapter.create(job.application, job.idempotency_key)
            )
            if not isinstance(created, Created):
                return created
            application_id = created.application_id
            # An id that holds personal data stays in this process: a worker that takes the job over creates again, under
            # the same key, and gets the same id.
            if application_id != _SENT and not is_echo(application_id, job, "application id"):
                await ownership.remember(job, application_id)
        job.holding.application_id = application_id
        self._callback_waiter.notify([job.request_id])
        if not self._adapter.abilities.polls:
            job.holding.trail.wait(WaitKind.CALLBACK, self._clock.monotonic())
            await asyncio.Event().wait()  # for a call, or for the end
        return await self._poll(conversation, application_id)

    async def _poll(self, conversation: _Conversation, application_id: str) -> Answer:
        polls = 0
        while True:
            raise_if_cancelled()
            await self._sleep(WaitKind.NEXT_POLL, conversation.job, POLL, self._wait_s(conversation.job, polls))
            answer = await self._step(POLL, conversation, lambda: self._adapter.poll(application_id))
            if answer is not None:
                return answer
            self._meter.count_empty_poll()
            polls += 1

    def _wait_s(self, job: Job, polls: int) -> float:
        interval_s, last_look_s = self._poll_interval.after(polls), self.left_s(job) - LAST_LOOK_S
        return last_look_s if 0 < last_look_s < interval_s else interval_s

    async def _sleep(self, kind: WaitKind, job: Job, step: str, seconds: float) -> None:
        now_s = self._clock.monotonic()
        job.holding.trail.wait(kind, now_s, now_s + seconds, step)
        await (self._gate.rest(seconds, self._clock) if step == CREATE else self._clock.sleep(seconds))

    async def _pass_gate(self, job: Job) -> None:
        if self._gate.mode is not None:
            job.holding.trail.wait(WaitKind.PAUSE, self._clock.monotonic(), step=CREATE)
            await self._gate.passed()

    async def _step(self, step: str, conversation: _Conversation, call: Callable[[], Awaitable[Result]]) -> Result:
        """Runs one step, repeated while the verdict says so."""
        failures, trail = 0, conversation.job.holding.trail
        while True:
            raise_if_cancelled()
            trail.wait(WaitKind.TURN, self._clock.monotonic(), step=step)
            await self._pace.wait(self.insurer_id)
            await conversation.ownership.confirm(conversation.job)
            try:
                if step == CREATE:
                    await self._pass_gate(conversation.job)
                if step == CREATE and not failures:
                    self._meter.begin(conversation.job, held_until=self._gate.held_until)
                with child_span(step, attributes=self._named):
                    async with self._admitted(step, conversation):
                        result = checked(step, await call())
            except InsurerError as error:
                record_refusal(trail, step, error, self._clock.monotonic())
                failures += not isinstance(error, InsurerPaused)
                decision = verdict(
                    error,
                    failures=failures,
                    is_created=step == POLL,
                    retry=self._settings.retry,
                    may_repeat=step == POLL or self._adapter.abilities.is_idempotent,
                    left_s=self.left_s(conversation.job),
                )
                is_answered = _is_answer(error)
            else:
                return result
            match decision:
                case AskAgain(after_s=after_s):
                    await self._sleep(WaitKind.RETRY, conversation.job, step, after_s)
                case GiveUp(answer=answer):
                    raise _NoOffer(answer, is_answered=is_answered)

    @asynccontextmanager
    async def _admitted(self, step: str, conversation: _Conversation) -> AsyncGenerator[None, None]:
        """Around one call: the circuit and the limit admit it, its result is counted, a pause that it brings is shared."""
        limit = self._limits.of[step]
        check = self._check_create if step == CREATE else self._circuit.check
        turn = Turn(limit, lambda: self.left_s(conversation.job), check)
        trace = CallTrace(conversation.job.holding.trail, self._clock, step, turn)
        try:
            async with conversation.passage.admitted(before=trace.take):
                try:
                    with self._containment.around(step), gated(trace.keep) if limit.has_rate else nullcontext():
                        yield
                except InsurerError as error:
                    self._count(step, error, trace.end(error))
                    raise
                self._count(step, None, trace.end(None))
        except OurLimit:
            raise
        except InsurerBusy as busy:
            await self._pause(busy.retry_after_s, step)
            raise
        except InsurerUnavailable as away:
            await self._pause(away.retry_after_s, CREATE, POLL)
            raise

    def _check_create(self) -> None:
        self._gate.check()
        self._circuit.check()

    async def _pause(self, seconds: float | None, *steps: str) -> None:
        """Pauses all calls to the insurer: a Retry-After for one caller holds for all."""
        if seconds:
            await self._limits.pause(seconds, *steps)

    def _count(self, step: str, error: InsurerError | None, seconds: float) -> None:
        self.failures.count(error, seconds)
        self._meter.count(step, error, seconds)
        RECENT.called(self._settings.id, "ok" if error is None else "failed")


def _is_answer(error: InsurerError) -> bool | None:
    """Whether a job that ends with this was answered by the insurer; None: it says nothing about that."""
    if isinstance(error, InsurerUnavailable):
        return False
    return None if isinstance(error, InsurerBusy | CircuitOpen | InsurerPaused) else True


def _poll_interval(settings: InsurerSettings, adapter: Adapter) -> PollInterval:
    """As insurers.toml has it; else as the API wants it; else the default."""
    is_set = "poll_interval" in settings.model_fields_set
    return settings.poll_interval if is_set else adapter.abilities.poll_interval or settings.poll_interval
