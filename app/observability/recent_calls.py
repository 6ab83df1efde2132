"""Results and durations of calls to insurers in the last minute, beside the usual duration: for the operator's overview and for stories.

Calls before that minute are the usual ones; older calls count less, and slow ones not at all until slowness has lasted for an hour: then
its duration is the usual one. So the processes that call a slow insurer find it, without Prometheus.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

import msgspec

SLOT_S: Final = 10
SLOTS: Final = 6
"""The last minute, with the slot that is not over yet."""
USUAL_HALF_LIFE_S: Final = 1800.0
USUAL_AFTER_SLOTS: Final = 360
"""An hour of slow calls makes them usual; before, they would soon outweigh the few calls that a new process knows."""
OK: Final = "ok"
BUSY: Final = "busy"
TIMEOUT: Final = "timeout"
"""What the causes of calls that were not answered in time begin with."""
UNREADABLE: Final = frozenset({"protocol", "4xx"})
CREDENTIALS: Final = "credentials"

SLOW_FACTOR: Final = 3.0
SLOW_S_MIN: Final = 1.0
CALLS_MIN: Final = 5
"""Of fewer calls in a minute a share, or a mean, says little."""
BUSY_MIN: Final = 3
FAILED_SHARE_MAX: Final = 0.5
BUSY_SHARE_MAX: Final = 0.3


class StepCalls(msgspec.Struct, rename="camel", omit_defaults=True):
    """Calls of one step to one insurer. `results`: those of the last minute, `ok` or the cause of the failure.

    `seconds` is the sum of the durations of the answered ones; `usual_count` and `usual_s` are number and sum of the calls before, weighted by age.
    """

    results: dict[str, int] = {}
    seconds: float = 0.0
    usual_count: float = 0.0
    usual_s: float = 0.0

    @property
    def count(self) -> int:
        """Calls of the last minute."""
        return sum(self.results.values())

    @property
    def mean_s(self) -> float | None:
        """Mean duration of the answered calls of the last minute, seconds; None: there was none."""
        answered = self.count - self.timeouts
        return self.seconds / answered if answered else None

    @property
    def usual_mean_s(self) -> float | None:
        """Usual duration of a call, seconds; None: it is not known yet."""
        return self.usual_s / self.usual_count if self.usual_count else None

    @property
    def timeouts(self) -> int:
        return sum(count for why, count in self.results.items() if why.startswith(TIMEOUT))

    @property
    def busy(self) -> int:
        return self.results.get(BUSY, 0)

    @property
    def errors(self) -> int:
        """Calls that failed by the insurer or its network, time-outs aside."""
        answered = sum(self.results.get(why, 0) for why in (OK, BUSY, CREDENTIALS, *UNREADABLE))
        return self.count - self.timeouts - answered

    @property
    def worst(self) -> str:
        """The most frequent cause of a failure; empty where none failed."""
        failed = {why: count for why, count in self.results.items() if why != OK}
        return max(failed, key=lambda why: failed[why], default="")

    @property
    def is_slow(self) -> bool:
        """Whether answered calls take three times as long as they usually do, and more than a second."""
        mean_s = self.mean_s
        return self.count - self.timeouts >= CALLS_MIN and mean_s is not None and is_slow(mean_s, self.usual_mean_s)

    def hangs(self, *, is_circuit_open: bool) -> bool:
        """Whether calls end by time-out: more than half of them, or, beside an open circuit, which lets few through, any.

        Of an insurer that also fails otherwise the more frequent counts: time-outs are of calls that began long before.
        """
        return self.timeouts > self.errors and self._exceeds(self.timeouts, is_circuit_open=is_circuit_open)

    def fails(self, *, is_circuit_open: bool) -> bool:
        """Whether calls fail otherwise, by the same measure."""
        return self.errors >= self.timeouts and self._exceeds(self.errors, is_circuit_open=is_circuit_open)

    @property
    def is_busy(self) -> bool:
        """Whether the insurer asks for patience: more than three calls in ten get 429."""
        return self.busy >= BUSY_MIN and self.busy > BUSY_SHARE_MAX * self.count

    def _exceeds(self, failed: int, *, is_circuit_open: bool) -> bool:
        is_most = self.count >= CALLS_MIN and failed > FAILED_SHARE_MAX * self.count
        return is_most or (is_circuit_open and failed > 0)


Calls: TypeAlias = dict[str, dict[str, StepCalls]]
"""By insurer and step."""


def is_slow(seconds: float, usual_s: float | None) -> bool:
    """Whether a call of this duration is slow for its insurer. Without a usual duration no call is."""
    return usual_s is not None and seconds > SLOW_S_MIN and seconds > SLOW_FACTOR * usual_s


class _Slot:
    """Calls of ten seconds."""

    __slots__ = ("number", "results", "seconds")

    def __init__(self, number: int) -> None:
        self.number = number
        self.results: Counter[str] = Counter()
        self.seconds = 0.0

    @property
    def answered(self) -> int:
        return sum(count for why, count in self.results.items() if not why.startswith(TIMEOUT))


class _StepRecord:
    """Calls of one step to one insurer, by this process."""

    __slots__ = ("_slots", "_slow_since", "_usual_at", "_usual_count", "_usual_s")

    def __init__(self) -> None:
        self._slots: deque[_Slot] = deque()
        self._slow_since: int | None = None
        """The first slot of a row of slow ones."""
        self._usual_at = 0
        self._usual_count = 0.0
        self._usual_s = 0.0

    def add(self, slot: int, why: str, seconds: float) -> None:
        if not self._slots or slot > self._slots[-1].number:
            self._forget(slot)
            self._slots.append(_Slot(slot))
        newest = self._slots[-1]
        newest.results[why] += 1
        if not why.startswith(TIMEOUT):
            newest.seconds += seconds

    def calls(self, slot: int) -> StepCalls:
        """As of this slot."""
        self._forget(slot)
        results: Counter[str] = Counter()
        for one in self._slots:
            results.update(one.results)
        faded = self._faded(slot)
        return StepCalls(
            dict(results),
            round(sum(one.seconds for one in self._slots), 6),
            round(self._usual_count * faded, 6),
            round(self._usual_s * faded, 6),
        )

    def _forget(self, slot: int) -> None:
        """Calls older than the minute become usual ones."""
        while self._slots and self._slots[0].number <= slot - SLOTS:
            oldest = self._slots.popleft()
            if oldest.answered and not self._is_odd(oldest):
                faded = self._faded(oldest.number)
                self._usual_count = self._usual_count * faded + oldest.answered
                self._usual_s = self._usual_s * faded + oldest.seconds
                self._usual_at = oldest.number

    def _is_odd(self, slot: _Slot) -> bool:
        """Whether the slot is slow, and slowness is new. After an hour of it the usual duration before is forgotten."""
        usual_s = self._usual_s / self._usual_count if self._usual_count else None
        if not is_slow(slot.seconds / slot.answered, usual_s):
            self._slow_since = None
            return False
        if self._slow_since is None:
            self._slow_since = slot.number
        if slot.number - self._slow_since < USUAL_AFTER_SLOTS:
            return True
        self._usual_count = self._usual_s = 0.0
        self._slow_since = None
        return False

    def _faded(self, slot: int) -> float:
        return float(0.5 ** (max(0, slot - self._usual_at) * SLOT_S / USUAL_HALF_LIFE_S))


class RecentCalls:
    """Calls of one process. `monotonic` is its clock, seconds."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._records: dict[tuple[str, str], _StepRecord] = {}

    def called(self, insurer_id: str, step: str, why: str, seconds: float) -> None:
        """A call has ended; `why`: OK, or the cause of its failure."""
        record = self._records.get((insurer_id, step))
        if record is None:
            record = self._records[insurer_id, step] = _StepRecord()
        record.add(int(self._monotonic()) // SLOT_S, why, seconds)

    def calls(self) -> Calls:
        """All of them, as of now."""
        slot, found = int(self._monotonic()) // SLOT_S, Calls()
        for (insurer_id, step), record in self._records.items():
            found.setdefault(insurer_id, {})[step] = record.calls(slot)
        return found


def merged_calls(several: Iterable[Calls]) -> Calls:
    """Those of several processes as one."""
    sums = Calls()
    for calls in several:
        for insurer_id, steps in calls.items():
            for step, one in steps.items():
                sum_ = sums.setdefault(insurer_id, {}).setdefault(step, StepCalls())
                sum_.results = dict(Counter(sum_.results) + Counter(one.results))
                sum_.seconds += one.seconds
                sum_.usual_count += one.usual_count
                sum_.usual_s += one.usual_s
    return sums


RECENT_CALLS: Final = RecentCalls()
"""This process's own, as the metrics are."""
