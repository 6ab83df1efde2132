"""The calls that the insurers received, for tests and for the control page: per idempotency key and per insurer.

Bounded: of keys the oldest are dropped, of seconds the last ten minutes are kept.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sandbox.insurers.model.views import InsurerSeen, KeySeen, Second
from sandbox.insurers.script.behaviours import Step

SECONDS_KEPT: Final = 600
NO_STATUS: Final = "none"
"""What counts in place of a status where the caller got none."""


@dataclass(slots=True)
class KeyRecord:
    """What came under one idempotency key."""

    key: str
    first_at: datetime
    last_at: datetime
    creates: int = 0
    polls: int = 0
    callbacks: int = 0
    application_ids: dict[str, str] = field(default_factory=dict[str, str])
    """By insurer."""
    statuses: dict[str, int] = field(default_factory=dict[str, int])

    def view(self) -> KeySeen:
        return KeySeen(
            key=self.key,
            creates=self.creates,
            polls=self.polls,
            callbacks=self.callbacks,
            application_ids=dict(self.application_ids),
            statuses=dict(self.statuses),
            first_at=self.first_at,
            last_at=self.last_at,
        )


@dataclass(slots=True)
class InsurerRecord:
    """What came to one insurer."""

    id: str
    creates: int = 0
    polls: int = 0
    applications: int = 0
    tokens: int = 0
    calls_now: int = 0
    calls_at_once_most: int = 0
    statuses: dict[str, int] = field(default_factory=dict[str, int])
    seconds: deque[list[int]] = field(default_factory=lambda: deque[list[int]](maxlen=SECONDS_KEPT))
    """[second since the epoch, creates, polls], only seconds with calls."""

    def enter(self, step: Step, now: datetime) -> None:
        """A call has come; `leave` must follow."""
        self.calls_now += 1
        self.calls_at_once_most = max(self.calls_at_once_most, self.calls_now)
        second = int(now.timestamp())
        if not self.seconds or self.seconds[-1][0] != second:
            self.seconds.append([second, 0, 0])
        if step == "create":
            self.creates += 1
            self.seconds[-1][1] += 1
        else:
            self.polls += 1
            self.seconds[-1][2] += 1

    def leave(self) -> None:
        self.calls_now -= 1

    def view(self) -> InsurerSeen:
        return InsurerSeen(
            insurer=self.id,
            creates=self.creates,
            polls=self.polls,
            applications=self.applications,
            tokens=self.tokens,
            statuses=dict(self.statuses),
            calls_now=self.calls_now,
            calls_at_once_most=self.calls_at_once_most,
            seconds=[Second.at(second, creates, polls) for second, creates, polls in self.seconds],
        )


class Keys:
    """The records of the idempotency keys, the oldest first."""

    def __init__(self, count_max: int) -> None:
        self._count_max = count_max
        self._records: dict[str, KeyRecord] = {}

    def get(self, key: str) -> KeyRecord | None:
        return self._records.get(key)

    def touch(self, key: str, now: datetime) -> KeyRecord:
        """The record of a key that is used now."""
        record = self._records.get(key)
        if record is None:
            if len(self._records) >= self._count_max:
                del self._records[next(iter(self._records))]
            record = self._records[key] = KeyRecord(key, now, now)
        record.last_at = now
        return record

    def beginning_with(self, prefix: str, most: int) -> list[KeyRecord]:
        """At most so many records, the oldest first."""
        found = (record for key, record in self._records.items() if key.startswith(prefix))
        return [record for record, _ in zip(found, range(most), strict=False)]


def count(statuses: dict[str, int], status: str) -> None:
    statuses[status] = statuses.get(status, 0) + 1
