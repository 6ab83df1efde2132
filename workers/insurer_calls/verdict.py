"""The verdict after a failed call to an insurer: pure, so that every rule of retries can be read and tested in one place."""

import random
from dataclasses import dataclass
from typing import Final

from app.config.insurers_file import Retry
from app.domain.errors import (
    CircuitOpen,
    InsurerBusy,
    InsurerCredentials,
    InsurerError,
    InsurerPaused,
    InsurerRejected,
    InsurerUnavailable,
)
from app.domain.quote import PAUSED, UNAVAILABLE, NoOffer, ReasonCode, failed

CIRCUIT_RETRY_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class AskAgain:
    """The same call again, after so many seconds."""

    after_s: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """There will be no offer, and this is why."""

    answer: NoOffer


def verdict(
    error: InsurerError, *, failures: int, is_created: bool, retry: Retry, left_s: float, may_repeat: bool = True
) -> AskAgain | GiveUp:
    """Decides after the `failures`-th failure in a row of one step, `left_s` seconds before asking stops.

    `may_repeat` is False for a create that would make a second application if the first one got through.
    """
    match error:
        case InsurerUnavailable(retry_after_s=asked_s):
            if failures >= retry.attempts or not may_repeat:
                return GiveUp(failed(ReasonCode.INSURER_UNREACHABLE))
            return _again(max(asked_s or 0.0, _backoff(failures, retry)), left_s)
        case InsurerBusy(retry_after_s=asked_s):
            # It is alive and asks for patience: a delay, not a failure, however often. An insurer that asks for none,
            # or names a moment that has passed by our clock, still gets the backoff.
            return _again(max(asked_s or 0.0, retry.first, _backoff(failures, retry)), left_s)
        case CircuitOpen():
            # A job with an application at the insurer loses nothing by waiting for its answer, also to the very end: the
            # circuit may have opened because other jobs have just run out of time, and that job ends as they did.
            return AskAgain(CIRCUIT_RETRY_S) if is_created else GiveUp(UNAVAILABLE)
        case InsurerPaused(holds=holds):
            return AskAgain(0.0) if holds else GiveUp(PAUSED)
        case _:
            return GiveUp(failed(_reason(error)))


def _reason(error: InsurerError) -> ReasonCode:
    """The reason of a failure that a retry does not mend; also for errors that an adapter derives itself."""
    match error:
        case InsurerCredentials():
            return ReasonCode.INSURER_CREDENTIALS
        case InsurerRejected():
            return ReasonCode.INSURER_REJECTED
        case _:
            return ReasonCode.INSURER_PROTOCOL


def _again(after_s: float, left_s: float) -> AskAgain | GiveUp:
    """If the next attempt would start after the deadline, give up now rather than make the customer wait."""
    return AskAgain(after_s) if after_s < left_s else GiveUp(failed(ReasonCode.INSURER_UNREACHABLE))


def _backoff(failures: int, retry: Retry) -> float:
    """Exponential, with full jitter."""
    return random.uniform(0, min(retry.most, retry.first * 2 ** min(failures - 1, 30)))
