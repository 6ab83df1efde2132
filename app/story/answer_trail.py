"""The trail of an answer: how it came about at one worker, in short steps, kept beside its quote and gone with it.

It holds no personal data: steps, codes and durations. Moments are seconds of the monotonic clock until it is encoded.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from app.redis.job_streams import Delivery
from app.story.request_story import WaitKind

TRAIL_VERSION: Final = 1
STEPS_MAX: Final = 64
TRAIL_BYTES_MAX: Final = 2048
WAIT_S_MIN: Final = 0.005
"""A shorter wait for a limit or a circuit is no step."""
_FIRST: Final = 16
"""The steps that stay from the beginning; steps above the limit are left out after them."""
_RESULT_LENGTH_MAX: Final = 20

RATE_WAIT: Final = "l"
CIRCUIT_WAIT: Final = "o"
CALL: Final = "c"
NO_CALL: Final = "n"
ISOLATION: Final = "q"
OMISSION: Final = "x"
UNFINISHED: Final = "unfinished"
"""The result of a call that was under way when asking stopped."""

_Step = tuple[str, float, str, float, str]
_Wait = tuple[WaitKind, float, float | None, str]
"""As a `JobWait`, which takes five times as long to make."""
_INTERRUPTED: Final = {
    WaitKind.RATE_LIMIT: (RATE_WAIT, ""),
    WaitKind.CIRCUIT: (CIRCUIT_WAIT, ""),
    WaitKind.INSURER: (CALL, UNFINISHED),
}


class JobWait(NamedTuple):
    """The wait of a job: its reason, since when and until when, by the monotonic clock."""

    kind: WaitKind
    since_s: float
    until_s: float | None = None
    step: str = ""


class AnswerTrail:
    """The trail of one job, from its delivery on. Recording a step costs less than a microsecond."""

    __slots__ = ("_omitted", "_steps", "_waiting", "read_at_s")

    def __init__(self, read_at_s: float = 0.0) -> None:
        self.read_at_s = read_at_s
        self._waiting: _Wait = (WaitKind.POSTGRESQL, read_at_s, None, "")
        self._steps: list[_Step] = []
        self._omitted = 0

    def wait(self, kind: WaitKind, now_s: float, until_s: float | None = None, step: str = "") -> None:
        """From now on it waits for this."""
        self._waiting = (kind, now_s, until_s, step)

    @property
    def waiting(self) -> JobWait:
        """The wait that goes on now."""
        return JobWait(*self._waiting)

    def waited(self, code: str, step: str, since_s: float, now_s: float) -> None:
        """A call has waited for its limit or its circuit."""
        if now_s - since_s >= WAIT_S_MIN:
            self._add((code, since_s, step, now_s - since_s, ""))

    def called(self, step: str, began_at_s: float, seconds: float, result: str) -> None:
        """A call has ended; `result`: ok, or why it failed."""
        self._add((CALL, began_at_s, step, seconds, result))

    def not_called(self, step: str, now_s: float, result: str) -> None:
        """A call was not made. Several in a row are one step."""
        if self._steps:
            code, since_s, last_step, _, last_result = self._steps[-1]
            if (code, last_step, last_result) == (NO_CALL, step, result):
                self._steps[-1] = (NO_CALL, since_s, step, now_s - since_s, result)
                return
        self._add((NO_CALL, now_s, step, 0.0, result))

    def isolate(self, now_s: float) -> None:
        """From now on another process makes the calls."""
        self._add((ISOLATION, now_s, "", 0.0, ""))
        self.wait(WaitKind.ISOLATION, now_s)

    def interrupt(self, now_s: float) -> None:
        """Asking stops: what it waits for is its last step."""
        kind, since_s, _, step = self._waiting
        if kind in _INTERRUPTED:
            code, result = _INTERRUPTED[kind]
            self._add((code, since_s, step, now_s - since_s, result))
        self.wait(WaitKind.DEADLINE, now_s)

    def encode(self, worker: str, delivery: Delivery, unix_less_monotonic_s: float) -> str:
        """As `osago_quotes` keeps it: at most TRAIL_BYTES_MAX, in ASCII."""
        began_s = self.read_at_s
        head: list[object] = [
            TRAIL_VERSION,
            worker,
            int((began_s + unix_less_monotonic_s) * 1000),
            delivery.entry,
            delivery.via,
            delivery.deliveries,
            delivery.taken_from,
        ]
        steps = [
            (code, int((at_s - began_s) * 1000), step, int(seconds * 1000), result)
            for code, at_s, step, seconds, result in self._steps
        ]
        omitted = self._omitted
        while len(encoded := _encode(head, steps, omitted)) > TRAIL_BYTES_MAX and len(steps) > _FIRST:
            kept = max(_FIRST, len(steps) * 3 // 4)
            omitted += len(steps) - kept
            steps = [*steps[:_FIRST], *steps[len(steps) - (kept - _FIRST) :]] if kept > _FIRST else steps[:_FIRST]
        return encoded.decode()

    def _add(self, step: _Step) -> None:
        steps = self._steps
        steps.append(step)
        if len(steps) > STEPS_MAX:
            del steps[_FIRST]
            self._omitted += 1


class TrailStep(msgspec.Struct, array_like=True, frozen=True):
    """A step as it was encoded: `offset_ms` after the job was read, `ms` how long it took."""

    code: str
    offset_ms: int
    step: str
    ms: int
    result: str


class StoredTrail(msgspec.Struct, array_like=True, frozen=True):
    """A trail as it was encoded. `read_ms`: milliseconds since 1970 of PostgreSQL's clock; `entry`: the job's place in its stream.

    `via`: what enqueued the job, where it was not the API at once. `omitted` steps are left out after the first sixteen.
    """

    version: int
    worker: str
    read_ms: int
    entry: str
    via: str
    deliveries: int
    taken_from: str
    omitted: int
    steps: tuple[TrailStep, ...]

    @property
    def enqueued_ms(self) -> int:
        """When it was enqueued, milliseconds since 1970 of Redis's clock; 0 where that is not known."""
        return enqueued_ms(self.entry)

    @property
    def omitted_before(self) -> int:
        """The place of the first step after those that are left out."""
        return min(_FIRST, len(self.steps))


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(StoredTrail)


def decode_trail(encoded: str | None) -> StoredTrail | None:
    """None where there is none, or where a later release wrote it in another form."""
    if encoded is None:
        return None
    try:
        trail = _decoder.decode(encoded)
    except msgspec.MsgspecError:
        return None
    return trail if trail.version == TRAIL_VERSION else None


def enqueued_ms(entry: str) -> int:
    """When Redis made this entry of a stream, milliseconds of its clock; 0 where there is none."""
    moment = entry.partition("-")[0]
    return int(moment) if moment.isdecimal() else 0


def short_result(result: str) -> str:
    """The result of a call: a word, or a status."""
    return result[:_RESULT_LENGTH_MAX]


def _encode(head: Sequence[object], steps: Sequence[object], omitted: int) -> bytes:
    return _encoder.encode([*head, omitted, steps])
