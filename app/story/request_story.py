"""The story of a request as values: what happened, in order, what it waits for, and what is not known.

It holds no personal data: ids that we made, names of services, insurers and processes, moments, and codes. `osago explain --json` and the
console have them as JSON, by the names here in camelCase: fields may be added, what changes or goes raises `STORY_VERSION`.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias
from uuid import UUID

import msgspec

from app.domain.quote import Outcome, QuoteStatus
from app.observability.faults import RUNBOOKS, FaultCode

STORY_VERSION: Final = 1


class StepKind(StrEnum):
    """The kind of an event. In brackets: the fields of `StoryStep` that say more."""

    ACCEPTED = "ACCEPTED"
    """Committed in PostgreSQL (`by`: the calling service)."""
    ENQUEUED = "ENQUEUED"
    """The job lies in its insurer's stream; `by`: `accept`, `relay` (the outbox) or `recovery` (after Redis lost it)."""
    READ = "READ"
    """A worker has the job (`by`: the worker; `count`: which delivery of it)."""
    TAKEN_OVER = "TAKEN_OVER"
    """A worker has it after another one was gone, or gave it back (`by`; `result`: the one before; `count`)."""
    RATE_WAITED = "RATE_WAITED"
    """A call waited for our rate limit, or for a pause that the insurer asked for (`step`, `seconds`)."""
    CIRCUIT_WAITED = "CIRCUIT_WAITED"
    """A call waited for another one's trial of the insurer's circuit (`step`, `seconds`)."""
    CALLED = "CALLED"
    """A call to the insurer (`step`: create, poll or callback; `seconds`; `result`: ok, processing, or why it failed)."""
    NOT_CALLED = "NOT_CALLED"
    """A call that was not made (`step`; `result`: circuit_open, rate_limit or paused)."""
    ISOLATED = "ISOLATED"
    """Asked about in a process of its own: it was delivered too often (`count`)."""
    OMITTED = "OMITTED"
    """A number of steps (`count`) is left out here: a trail has a limit."""
    SETTLED = "SETTLED"
    """The quote is in PostgreSQL, for ever (`result`: its status)."""
    PUBLISHED = "PUBLISHED"
    """Its event is in Redis, for subscribers (`result`: quote or end)."""
    WATCHED = "WATCHED"
    """A subscription began (`by`: the API process, `socket`)."""
    RESUMED = "RESUMED"
    """A subscription went on where an earlier one had ended (`by`, `socket`; `count`: answers that it had)."""
    SENT = "SENT"
    """A frame was written to a socket or a stream (`by`, `socket`; `insurer_id`; `result`: quote or end)."""
    LEFT = "LEFT"
    """A subscription ended (`by`, `socket`; `result`: done, or left before the end)."""
    ENDED = "ENDED"
    """The request ended (`result`: its outcome)."""


class StoryStep(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One thing that happened. Clocks of several machines, and Redis's, may differ by milliseconds."""

    at: datetime
    kind: StepKind
    insurer_id: str | None = None
    by: str = ""
    step: str = ""
    result: str = ""
    seconds: float | None = None
    count: int | None = None
    socket: str = ""


class WaitKind(StrEnum):
    """The reason for which a slot is open."""

    OUTBOX = "OUTBOX"
    """To be enqueued: the relay does it when Redis is there."""
    RECOVERY = "RECOVERY"
    """Redis has lost its job: workers enqueue it again, within seconds of another server's or an emptied one's coming."""
    WORKER = "WORKER"
    """To be read: it lies in its stream, behind others or without a worker."""
    TAKE_OVER = "TAKE_OVER"
    """Its worker is gone; the next tick of another one takes it over."""
    POSTGRESQL = "POSTGRESQL"
    """Read, and PostgreSQL has not said yet what there is to ask."""
    TURN = "TURN"
    """For its worker's event loop, which begins calls at a pace."""
    PAUSE = "PAUSE"
    """An operator has paused the insurer, and holds its jobs."""
    RATE_LIMIT = "RATE_LIMIT"
    CIRCUIT = "CIRCUIT"
    INSURER = "INSURER"
    """A call is under way."""
    CALLBACK = "CALLBACK"
    """The insurer is to call."""
    NEXT_POLL = "NEXT_POLL"
    RETRY = "RETRY"
    ISOLATION = "ISOLATION"
    """A process of its own asks."""
    SETTLING = "SETTLING"
    """Answered; on its way into PostgreSQL, or out to Redis."""
    DEADLINE = "DEADLINE"
    """Asking has stopped; the request's end will write it."""
    UNKNOWN = "UNKNOWN"


class OpenSlot(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An insurer's slot without a quote, and its wait. A moment that is None is not known, or there is none."""

    waits_for: WaitKind
    worker: str = ""
    """The worker that has the job."""
    since: datetime | None = None
    next_at: datetime | None = None
    """When something happens next by itself."""
    step: str = ""
    deliveries: int | None = None
    is_circuit_open: bool | None = None
    """The insurer's circuit, as all workers share it; None: not known."""
    paused_s: float | None = None
    """Seconds for which the insurer has asked not to be called."""
    operator_pause: str = ""
    """An operator has paused the insurer: `refuse` or `hold`."""
    ahead: int | None = None
    """Jobs of the insurer that no worker has read, this one among them; where it is one of those."""


class InsurerStory(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One insurer's slot: a settled quote, or what the open slot waits for."""

    insurer_id: str
    status: QuoteStatus
    reason: str = ""
    """The code, as the API has it; empty with an offer, and while it is pending."""
    settled_at: datetime | None = None
    has_trail: bool = False
    """Whether it is known how the answer came about. Releases before this one, and workers that died, left none."""
    waiting: OpenSlot | None = None


class ProcessKind(StrEnum):
    """The kinds of processes that are asked."""

    API = "API"
    WORKER = "WORKER"


class AskedProcess(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A process that was asked. One that has not answered is frozen, busy, cut off or gone: what it knows is missing here."""

    name: str
    kind: ProcessKind
    has_answered: bool
    silent_s: float | None = None
    """Seconds since its last beat in Redis."""


class GapCode(StrEnum):
    """The kind of a gap: an unknown part of the story, and the reason."""

    REDIS_AWAY = "REDIS_AWAY"
    """Jobs, events, workers and sockets cannot be asked."""
    REDIS_LOST_IT = "REDIS_LOST_IT"
    """Redis has nothing of this open request: it was flushed, or failed over; recovery enqueues it again."""
    REDIS_FORGOT_IT = "REDIS_FORGOT_IT"
    """The request ended long ago: moments of publishing, and frames, are not kept."""
    PROCESS_SILENT = "PROCESS_SILENT"
    """A process did not answer in time (`what`: its name)."""
    PROCESS_DIED = "PROCESS_DIED"
    """The steps of a worker before it died are not known (`what`: its name)."""
    NO_TRAIL = "NO_TRAIL"
    """How this insurer's answer came about is not known (`what`: the insurer)."""
    FRAMES_LIMITED = "FRAMES_LIMITED"
    """A process keeps its last frames only, and has dropped some since the request was accepted (`what`: its name)."""
    NO_WORKER = "NO_WORKER"
    """No worker is alive, as far as Redis knows."""


class Gap(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Something that is not known."""

    code: GapCode
    what: str = ""


class StoryFault(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A fault that this request suffers or has suffered. The console's overview has the same codes for the whole system."""

    code: FaultCode
    what: str = ""
    """The insurer, process or server."""
    step: str = ""
    seconds: float | None = None
    """How long a call took, or something has lasted or waited."""
    usual_s: float | None = None
    """What such a call usually takes."""
    count: int | None = None
    """Calls, places, deliveries or sockets."""
    by: str = ""
    """A worker that took over."""
    detail: str = ""
    """The cause of a failure; some of the sockets."""
    runbook: str = ""

    def __post_init__(self) -> None:
        if page := RUNBOOKS.get(self.code):
            msgspec.structs.force_setattr(self, "runbook", page)


class RequestStory(msgspec.Struct, frozen=True, kw_only=True, rename="camel", tag_field="kind", tag="REQUEST"):
    """The whole story, as of `asked_at` of our clock."""

    version: int = STORY_VERSION
    request_id: UUID
    service: str
    """The caller that sent it."""
    accepted_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    outcome: Outcome | None
    is_application_purged: bool
    """The application, with all personal data, has been destroyed; what stays has none."""
    trace_id: str = ""
    """Its trace, as OpenTelemetry's tools look it up; empty where it is not traced."""
    insurers: tuple[InsurerStory, ...]
    steps: tuple[StoryStep, ...]
    """By their moments."""
    faults: tuple[StoryFault, ...] = ()
    """What is wrong, as far as this request has met it: for an open one, and for a minute after its end, with what goes for all requests now."""
    processes: tuple[AskedProcess, ...]
    not_known: tuple[Gap, ...]
    asked_at: datetime


class FoundRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One of several requests that a client reference may mean."""

    request_id: UUID
    service: str
    accepted_at: datetime
    ended_at: datetime | None


class SeveralRequests(msgspec.Struct, frozen=True, kw_only=True, rename="camel", tag_field="kind", tag="SEVERAL"):
    """The client reference is that of several callers: each has its own. The newest first."""

    version: int = STORY_VERSION
    requests: tuple[FoundRequest, ...]


class NoRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel", tag_field="kind", tag="NONE"):
    """There is none. `was_forgotten`: there was, and it was destroyed on its customer's demand, or after its time."""

    version: int = STORY_VERSION
    was_forgotten: bool = False


Explanation: TypeAlias = RequestStory | SeveralRequests | NoRequest
