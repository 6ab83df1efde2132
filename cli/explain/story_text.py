"""A story in words, a line for each thing that happened; moments count from the acceptance of the request."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from app.domain.quote import QuoteStatus
from app.story.request_story import (
    AskedProcess,
    Gap,
    GapCode,
    OpenSlot,
    RequestStory,
    StepKind,
    StoryStep,
    WaitKind,
)
from cli.explain.durations import in_words
from cli.explain.fault_text import fault_line

_STEPS: Final[Mapping[StepKind, str]] = MappingProxyType(
    {
        StepKind.ACCEPTED: "accepted from {by}",
        StepKind.ENQUEUED: "enqueued by {by}",
        StepKind.READ: "read by {by}{delivery}",
        StepKind.TAKEN_OVER: "taken over by {by}{before}{delivery}",
        StepKind.RATE_WAITED: "{step}: waited {took} for its rate limit",
        StepKind.CIRCUIT_WAITED: "{step}: waited {took} for a trial of the circuit",
        StepKind.CALLED: "{step}: {took}, {result}",
        StepKind.NOT_CALLED: "{step}: not called, {result}{lasting}",
        StepKind.ISOLATED: "asked about in a process of its own",
        StepKind.OMITTED: "… {count} steps are left out",
        StepKind.SETTLED: "settled: {result}",
        StepKind.PUBLISHED: "published: {result}",
        StepKind.WATCHED: "watched by {socket} of {by}",
        StepKind.RESUMED: "resumed by {socket} of {by}, with {count} answers",
        StepKind.SENT: "sent to {socket} of {by}: {result}",
        StepKind.LEFT: "left by {socket} of {by}: {result}",
        StepKind.ENDED: "ended: {result}",
    }
)
_RESULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "circuit_open": "its circuit is open",
        "rate_limit": "its rate limit leaves no time",
        "paused": "an operator has paused it",
    }
)
_WAITS: Final[Mapping[WaitKind, str]] = MappingProxyType(
    {
        WaitKind.OUTBOX: "to be enqueued by the relay of a worker",
        WaitKind.RECOVERY: "to be enqueued again by a worker: Redis has lost its job",
        WaitKind.WORKER: "to be read by a worker",
        WaitKind.TAKE_OVER: "to be taken over by a worker",
        WaitKind.POSTGRESQL: "for PostgreSQL",
        WaitKind.TURN: "for its turn in the worker",
        WaitKind.RATE_LIMIT: "for its rate limit",
        WaitKind.CIRCUIT: "for its circuit",
        WaitKind.INSURER: "for the insurer to answer",
        WaitKind.CALLBACK: "for the insurer to call",
        WaitKind.NEXT_POLL: "for its next poll",
        WaitKind.RETRY: "to call again",
        WaitKind.ISOLATION: "for a process of its own",
        WaitKind.SETTLING: "to be settled and published",
        WaitKind.PAUSE: "for an operator to resume it",
        WaitKind.DEADLINE: "for the end of the request",
        WaitKind.UNKNOWN: "for something that is not known",
    }
)
_GAPS: Final[Mapping[GapCode, str]] = MappingProxyType(
    {
        GapCode.REDIS_AWAY: "Redis cannot be reached: jobs, workers, published events and sockets could not be asked",
        GapCode.REDIS_LOST_IT: "Redis has nothing of this request: it was flushed, or failed over; workers bring open jobs back",
        GapCode.REDIS_FORGOT_IT: "Redis no longer has this request: when its quotes were published is not known",
        GapCode.PROCESS_SILENT: "{what} did not answer: what it has in memory is missing here",
        GapCode.PROCESS_DIED: "what {what} did with a job before it was taken over",
        GapCode.NO_TRAIL: "how the answer of {what} came about",
        GapCode.FRAMES_LIMITED: "frames that {what} sent earlier: it keeps its last ten thousand",
        GapCode.NO_WORKER: "no worker is alive",
    }
)


def story_lines(story: RequestStory) -> Iterator[str]:
    """The whole story."""
    yield f"request  {story.request_id}  from {story.service}"
    yield f"accepted {_moment(story.accepted_at)} UTC, ends by {_moment(story.expires_at)}"
    yield f"now      {_state(story)}{'; its application is purged' if story.is_application_purged else ''}"
    if story.trace_id:
        yield f"trace    {story.trace_id}"
    if story.faults:
        yield "\nat fault"
        yield from map(fault_line, story.faults)
    yield ""
    width = max((len(insurer.insurer_id) for insurer in story.insurers), default=0)
    for step in story.steps:
        yield f"{_since(step.at, story)}  {step.insurer_id or '':<{width}}  {_step_text(step)}"
    if waiting := {insurer.insurer_id: insurer.waiting for insurer in story.insurers if insurer.waiting}:
        yield "\nopen"
        yield from (_waiting_text(id_, slot, width, story) for id_, slot in waiting.items())
    if story.processes:
        yield "\nprocesses"
        yield from map(_process_text, story.processes)
    if story.not_known:
        yield "\nnot known"
        yield from map(_gap_text, story.not_known)


def _state(story: RequestStory) -> str:
    answered = sum(insurer.status is not QuoteStatus.PENDING for insurer in story.insurers)
    of = f"{answered} of {len(story.insurers)} insurers settled"
    if story.outcome and story.ended_at:
        return f"ended {_moment(story.ended_at)}: {story.outcome.value}, {of}"
    return f"open, {of}"


def _step_text(step: StoryStep) -> str:
    took = "" if step.seconds is None else in_words(step.seconds)
    return _STEPS[step.kind].format(
        by=step.by,
        step=step.step,
        socket=step.socket,
        count=step.count,
        result=_RESULTS.get(step.result, step.result),
        took=took,
        before=f" from {step.result}" if step.result else "",
        delivery=f", delivery {step.count}" if step.count and step.count > 1 else "",
        lasting=f", for {took}" if step.seconds else "",
    )


def _waiting_text(insurer_id: str, slot: OpenSlot, width: int, story: RequestStory) -> str:
    parts = [f"waits {_WAITS[slot.waits_for]}{f' ({slot.step})' if slot.step else ''}"]
    parts += [f"since {_since(slot.since, story).strip()}"] if slot.since else []
    parts += [f"until {_since(slot.next_at, story).strip()}"] if slot.next_at else []
    parts += [f"at {slot.worker}"] if slot.worker else []
    return f"{insurer_id:<{width}}  {', '.join([*parts, *_circumstances(slot)])}"


def _circumstances(slot: OpenSlot) -> Iterator[str]:
    if slot.deliveries and slot.deliveries > 1:
        yield f"delivery {slot.deliveries}"
    if slot.ahead:
        yield f"{slot.ahead} unread"
    if slot.is_circuit_open:
        yield "its circuit is open"
    if slot.paused_s:
        yield f"it wants no call for {in_words(slot.paused_s)}"
    if slot.operator_pause:
        yield f"paused by an operator ({slot.operator_pause})"


def _process_text(process: AskedProcess) -> str:
    silent = "" if process.silent_s is None else f", last beat {in_words(process.silent_s)} ago"
    said = "answered" if process.has_answered else f"did not answer{silent}"
    return f"{process.kind.value.lower():<6}  {process.name}  {said}"


def _gap_text(gap: Gap) -> str:
    return f"- {_GAPS[gap.code].format(what=gap.what)}"


def _since(at: datetime, story: RequestStory) -> str:
    return f"{(at - story.accepted_at).total_seconds():+9.3f} s"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}"
