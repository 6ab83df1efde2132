"""Controls: what operators have ordered of an insurer or a worker, with the reason, and what stands in the audit of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from app.domain.errors import ControlRefused

WHY_LENGTH_MAX: Final = 500
AUTHOR_LENGTH_MAX: Final = 100
LASTS_S_MIN: Final = 1.0
LASTS_S_MAX: Final = 30 * 86_400.0
SYSTEM: Final = "osago"
"""The author of what no operator has done, such as the end of a control that had its time."""


class ControlKind(StrEnum):
    """The kind of a control. Each subject has at most one control of each kind."""

    PAUSE = "pause"
    """An insurer gets no new application; the setting is a `PauseMode`."""
    LIMIT = "limit"
    """Applications created at an insurer, over all workers: a rate such as `50/s`, or `off`. It stands in place of the file's."""
    POLL_LIMIT = "poll-limit"
    """The same of its polls."""
    CIRCUIT = "circuit"
    """An insurer's circuit is forced; the setting is a `ForcedCircuit`."""
    DRAIN = "drain"
    """A worker ends, as on SIGTERM. The subject is its consumer's name, which no later process has."""


class PauseMode(StrEnum):
    """What happens to the jobs of a paused insurer."""

    REFUSE = "refuse"
    """Their quotes are UNAVAILABLE, `INSURER_PAUSED`, at once."""
    HOLD = "hold"
    """They wait until it is resumed, at the latest until the end of their requests."""


class ForcedCircuit(StrEnum):
    """How a circuit is forced. Without a control it is left to itself."""

    OPEN = "open"
    CLOSED = "closed"


class AuditAction(StrEnum):
    """The action that an entry of the audit records."""

    SET = "set"
    LIFTED = "lifted"
    EXPIRED = "expired"
    """The control had its time."""
    DONE = "done"
    """A worker has drained."""
    CANCELLED = "cancelled"
    """Requests were cancelled in bulk."""
    LOOKED = "looked"
    """An operator has looked at one request."""
    REPORTED = "reported"
    """A report about personal data was made; the subject is a customer's identifier, or a time."""
    RETRIED = "retried"
    DROPPED = "dropped"
    """Of dead letters, like the one above."""


@dataclass(frozen=True, slots=True)
class Order:
    """The common part of every change: its author, the reason, and for how many seconds it holds (None: until it is lifted).

    Raises:
        ControlRefused: one of them is out of bounds; the text is one line for the operator.
    """

    author: str
    why: str
    lasts_s: float | None = None

    def __post_init__(self) -> None:
        for name, text, length_max in (("who", self.author, AUTHOR_LENGTH_MAX), ("why", self.why, WHY_LENGTH_MAX)):
            if not text.strip():
                raise ControlRefused(f"{name}: needed, for the audit")
            if len(text) > length_max or not text.isprintable():
                raise ControlRefused(f"{name}: one line of at most {length_max} printable characters")
        if self.lasts_s is not None and not LASTS_S_MIN <= self.lasts_s <= LASTS_S_MAX:
            raise ControlRefused(f"how long: at least {LASTS_S_MIN:.0f}s, at most {LASTS_S_MAX / 86_400:.0f}d")


@dataclass(frozen=True, slots=True)
class Control:
    """A control in force. `version` is the id of the audit's entry that set it."""

    kind: ControlKind
    subject: str
    setting: str
    why: str
    author: str
    since: datetime
    until: datetime | None
    version: int

    def is_over(self, now: datetime) -> bool:
        """Whether it has had its time."""
        return self.until is not None and self.until <= now


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One action of an operator, with its reason. `id` is 0 before it is stored; entries never change."""

    at: datetime
    action: AuditAction
    kind: str
    """A `ControlKind`; of other actions `request`, `dead-letter`, or the report."""
    subject: str
    """An insurer, a worker, a request, a dead letter; of a cancel in bulk the insurer, or empty where requests were named."""
    author: str
    why: str = ""
    setting: str = ""
    until: datetime | None = None
    request_ids: tuple[UUID, ...] = ()
    """The requests that a cancel in bulk has ended."""
    id: int = 0


Controls = Mapping[tuple[ControlKind, str], Control]
NO_CONTROLS: Final[Controls] = MappingProxyType({})
