"""Every error that this system raises on purpose, named by what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

RETRY_AFTER_S_MAX: Final = 86_400.0
"""A longer wait than a day is none that an insurer can mean."""


class OsagoError(Exception):
    """The root of the tree.

    OsagoError
    ├── CallerError                   the caller can mend it
    │   ├── InvalidApplication        problems, each with its path, code and message
    │   ├── RateLimitExceeded         ask again after `retry_after_s`
    │   ├── NotAuthenticated          no token, or none that holds
    │   ├── NotAllowed                a good token that does not reach so far
    │   ├── NotFound                  nothing there, or nothing that this caller may see
    │   ├── InvalidCursor             `after` is none that we made for this request
    │   └── ControlRefused            an operator's order that makes no sense; the text says why
    ├── InsurerError                  no answer; the class says what to do
    │   ├── InsurerUnavailable        transport, time-out, 5xx: retry, counts against the circuit
    │   ├── InsurerBusy               429: retry after `retry_after_s`, does not count
    │   │   └── OurLimit              not asked: its limit leaves no call in time
    │   ├── CircuitOpen               not asked at all
    │   ├── InsurerPaused             not asked: an operator has paused it
    │   ├── InsurerCredentials        401, 403: no retry
    │   ├── InsurerRejected           any other 4xx: no retry
    │   └── InsurerProtocol           unintelligible: no retry
    ├── Unavailable                   a server is down: ask again after `retry_after_s`
    │   ├── Overloaded                too much at once: ask again later
    │   │   └── ShareExhausted        of this caller's: others are served
    │   └── RedisAway                 Redis does not answer, or refuses work
    ├── RequestLost                   a request that was acknowledged is gone with a database: ask anew
    └── WrongSetting                  a process that cannot start; the text says what to mend
    """


class CallerError(OsagoError):
    """The caller can mend it."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem of one field. `message` is Russian and for people; none of the three holds the value."""

    path: tuple[str, ...]
    code: str
    message: str


class InvalidApplication(CallerError):
    """The application cannot be sent to insurers; `problems` lists everything that is wrong, at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(", ".join(f"{'.'.join(p.path)}: {p.code}" for p in problems))
        self.problems = tuple(problems)


class RateLimitExceeded(CallerError):
    """Too many requests; the same one is welcome after `retry_after_s` seconds."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"retry after {retry_after_s} s")
        self.retry_after_s = retry_after_s


class NotAuthenticated(CallerError):
    """No token, or none that holds."""


class NotAllowed(CallerError):
    """A good token that does not reach so far."""


class NotFound(CallerError):
    """There is nothing, or nothing that this caller may see: the two look the same."""


class InvalidCursor(CallerError):
    """The cursor is none that was made for this request."""


class ControlRefused(CallerError):
    """An operator's order that makes no sense as things are; the text is one line that says why."""


def _meant(seconds: object) -> float | None:
    """A wait that an insurer can mean; adapters of any house hand over what they have read."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    return seconds if 0 <= seconds <= RETRY_AFTER_S_MAX else None


class InsurerError(OsagoError):
    """No answer was had from an insurer. The text names the fault and holds nothing that the insurer wrote."""

    status: int | None = None
    """The status of the HTTP reply, where one came."""


class InsurerUnavailable(InsurerError):
    """Transport, time-out or 5xx: retry, not before `retry_after_s` if it said so; counts against the circuit."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = _meant(retry_after_s)


class InsurerBusy(InsurerError):
    """The insurer asks for patience: retry after `retry_after_s` (None: it did not say), does not count."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = _meant(retry_after_s)


class OurLimit(InsurerBusy):
    """The insurer is not asked: the next call that its limit lets through would come too late."""

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class CircuitOpen(InsurerError):
    """The insurer is not asked at all: its circuit is open."""


class InsurerPaused(InsurerError):
    """The insurer is not asked: an operator has paused it. `holds`: its jobs wait until it is resumed."""

    def __init__(self, *, holds: bool) -> None:
        super().__init__("paused")
        self.holds = holds


class InsurerCredentials(InsurerError):
    """Our credentials are not accepted: no retry, an operator must mend it.

    `setting` is the key of insurers.toml to look at first, as far as the adapter knows, e.g. `options.client_id`.
    """

    def __init__(self, message: str, *, setting: str = "") -> None:
        super().__init__(message)
        self.setting = setting


class InsurerRejected(InsurerError):
    """The insurer calls our request wrong (4xx): no retry."""


class InsurerProtocol(InsurerError):
    """The answer cannot be understood: no retry."""


class Unavailable(OsagoError):
    """A server is down; the same call is welcome after `retry_after_s` seconds."""

    def __init__(self, what: str, retry_after_s: float = 1.0) -> None:
        super().__init__(what)
        self.retry_after_s = retry_after_s

    @property
    def of(self) -> str:
        """The server that is away, as the log names it."""
        return "postgresql"


class Overloaded(Unavailable):
    """A limit is reached: too much at once."""


class ShareExhausted(Overloaded):
    """This caller holds as much of the process as one caller may; it is welcome after `retry_after_s` seconds."""


class RedisAway(Unavailable):
    """Redis does not answer, or refuses work. `refusal` is its own word for that (READONLY, OOM), if it gave one."""

    def __init__(self, why: str, *, refusal: str = "") -> None:
        super().__init__(f"Redis: {why}")
        self.refusal = refusal

    @property
    def of(self) -> str:
        """The server that is away, as the log names it."""
        return "redis"


class RequestLost(OsagoError):
    """A request that was acknowledged, and that PostgreSQL does not have any more: it went with a failover."""


class SlowConsumer(OsagoError):
    """A client does not take what it is sent; `cursor` is where to resume, None: at the beginning."""

    def __init__(self, cursor: str | None) -> None:
        super().__init__("the client takes nothing any more")
        self.cursor = cursor


class WrongSetting(OsagoError):
    """A setting or a file that a process cannot start with; the text is one line that says what to mend."""
