"""Counts of a process over the last minutes, in slots of ten seconds, for the operator's overview.

Prometheus computes the same from counters that it has scraped; an operator without Prometheus, or before it, has this. The
slots begin at multiples of ten seconds since 1970, so that those of several processes can be added.
"""

import secrets
import time
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeVar

import msgspec

SLOT_S: Final = 10
SLOTS: Final = 30
WINDOW_S: Final = SLOT_S * SLOTS
_SHORTEST_S: Final = 0.001
_GROWTH: Final = 1.25
"""Each bucket of a duration is so much wider than the one before: a quantile is exact to an eighth."""
_BOUNDS: Final = tuple(_SHORTEST_S * _GROWTH**place for place in range(56))
"""The lower bounds of buckets; the last is at 3.6 minutes, longer than any deadline."""

Buckets = dict[int, int]
"""Durations by bucket: how many there were."""
Label = TypeVar("Label", str, int)
Key = tuple[str, str, str, int]
"""The key of a count: its name, up to two labels, a bucket."""


class InsurerActivity(msgspec.Struct, rename="camel"):
    """Answers by status (NONE: no answer in time), calls by result, and how long asking took, by bucket."""

    answers: dict[str, int] = {}
    calls: dict[str, int] = {}
    asking: Buckets = {}


class Activity(msgspec.Struct, rename="camel", frozen=True):
    """The window of one recorder. In `series` the last number is that of `slot`, which is not over yet.

    `ended` has the ends by outcome, `late` how many of them came after `expiresAt`; `stalled` are clients that took nothing any more.
    """

    recorder: str
    slot: int = 0
    series: dict[str, list[int]] = {}
    ended: dict[str, int] = {}
    late: int = 0
    pushed: Buckets = {}
    stalled: int = 0
    insurers: dict[str, InsurerActivity] = {}


class RecentActivity:
    """Counts of one process. `unix_s` is its wall clock: a clock that goes back counts into the newest slot."""

    def __init__(self, unix_s: Callable[[], float] = time.time) -> None:
        self._unix_s = unix_s
        self._recorder = secrets.token_hex(4)
        self._slot = 0
        self._slots: deque[Counter[Key]] = deque([Counter() for _ in range(SLOTS)], maxlen=SLOTS)
        self._totals: Counter[Key] = Counter()

    def accepted(self, count: int) -> None:
        """Requests have been committed."""
        self._count(("accepted", "", "", 0), count)

    def ended(self, outcome: str, *, late: bool) -> None:
        """A request has ended."""
        self._count(("ended", outcome, "late" if late else "", 0))

    def asked(self, insurer_id: str, status: str, seconds: float) -> None:
        """A job has come to its answer, or to none."""
        self._count(("asked", insurer_id, status, bucket_of(seconds)))

    def called(self, insurer_id: str, result: str) -> None:
        """An insurer was called."""
        self._count(("called", insurer_id, result, 0))

    def pushed(self, durations_s: Iterable[float]) -> None:
        """Frames have gone out, so long after their answers."""
        for bucket, count in Counter(map(bucket_of, durations_s)).items():
            self._count(("pushed", "", "", bucket), count)

    def stalled(self) -> None:
        """A client took nothing any more, and was cut off."""
        self._count(("stalled", "", "", 0))

    def activity(self) -> Activity:
        """The window up to now."""
        self._turn()
        series = {name: [0] * SLOTS for name in ("accepted", "ended", "asked", "pushed")}
        for place, slot in enumerate(self._slots):
            for (name, *_), count in slot.items():
                if name in series:
                    series[name][place] += count
        found = Activity(self._recorder, self._slot, series)
        late = stalled = 0
        for (name, first, second, bucket), count in self._totals.items():
            if name == "asked":
                insurer = found.insurers.setdefault(first, InsurerActivity())
                insurer.answers[second] = insurer.answers.get(second, 0) + count
                insurer.asking[bucket] = insurer.asking.get(bucket, 0) + count
            elif name == "called":
                found.insurers.setdefault(first, InsurerActivity()).calls[second] = count
            elif name == "ended":
                found.ended[first] = found.ended.get(first, 0) + count
                late += count if second else 0
            elif name == "pushed":
                found.pushed[bucket] = count
            elif name == "stalled":
                stalled += count
        return msgspec.structs.replace(found, late=late, stalled=stalled)

    def _count(self, key: Key, by: int = 1) -> None:
        if int(self._unix_s()) // SLOT_S > self._slot:
            self._turn()
        self._slots[-1][key] += by
        self._totals[key] += by

    def _turn(self) -> None:
        """Begins the slot of now; what is older than the window is forgotten."""
        slot = int(self._unix_s()) // SLOT_S
        for _ in range(min(slot - self._slot, SLOTS)):
            self._totals -= self._slots[0]  # drops what falls to zero
            self._slots.append(Counter())
        self._slot = max(slot, self._slot)


def bucket_of(seconds: float) -> int:
    """The bucket of a duration: each begins where the one before ends."""
    return bisect_left(_BOUNDS, seconds)


def quantile(buckets: Mapping[int, int], share: float) -> float | None:
    """The duration, in seconds, that this share of them does not exceed, to an eighth; None where there are none."""
    left = share * sum(buckets.values())
    for bucket in sorted(buckets):
        left -= buckets[bucket]
        if left <= 0 and buckets[bucket]:
            return _SHORTEST_S * _GROWTH ** (bucket - 0.5)
    return None


def share_within(buckets: Mapping[int, int], seconds: float) -> float | None:
    """Which share of the durations is at most so long, as far as buckets can say; None where there are none."""
    count = sum(buckets.values())
    limit = bucket_of(seconds)
    return sum(n for bucket, n in buckets.items() if bucket <= limit) / count if count else None


def merged(activities: Iterable[Activity]) -> Activity:
    """The windows of several processes as one. Of a recorder that appears twice, one window counts."""
    distinct = list({one.recorder: one for one in activities}.values())
    slot = max((one.slot for one in distinct), default=0)
    sums = Activity("", slot, {}, late=sum(one.late for one in distinct), stalled=sum(one.stalled for one in distinct))
    for one in distinct:
        _add(sums.ended, one.ended)
        _add(sums.pushed, one.pushed)
        for name, counts in one.series.items():
            aligned = _shifted(counts, slot - one.slot)
            sums.series[name] = [a + b for a, b in zip(sums.series.get(name, [0] * SLOTS), aligned, strict=True)]
        for insurer_id, activity in one.insurers.items():
            sum_ = sums.insurers.setdefault(insurer_id, InsurerActivity())
            _add(sum_.answers, activity.answers)
            _add(sum_.calls, activity.calls)
            _add(sum_.asking, activity.asking)
    return sums


def _shifted(counts: Sequence[int], slots: int) -> list[int]:
    """A series that ends so many slots later; one of another length, as another release may send it, is cut or filled."""
    filled = [0] * SLOTS + list(counts) + [0] * min(slots, SLOTS)
    return filled[-SLOTS:]


def _add(sums: dict[Label, int], more: Mapping[Label, int]) -> None:
    for key, count in more.items():
        sums[key] = sums.get(key, 0) + count


RECENT: Final = RecentActivity()
"""This process's own, as the metrics are."""
