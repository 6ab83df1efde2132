"""How long a client waits before it connects again: as long as the API asks for, and a little more by lot."""

import random
import re
from typing import Final

from websockets.exceptions import ConnectionClosed, InvalidStatus

RECONNECT_S: Final = 0.5
ASKED_S_MAX: Final = 30.0
"""A proxy may ask for an hour; the deadline is a minute away."""
_JITTER: Final = 0.5
_ASKED: Final = re.compile(r"try again in (\d{1,6}(?:\.\d{1,6})?) s", re.ASCII)
_SECONDS: Final = re.compile(r"\d{1,6}", re.ASCII)


LATER: Final = frozenset({"UNAVAILABLE", "OVERLOADED", "SLOW_CONSUMER"})
"""Codes of errors that pass: the same is answered later."""


class AskedLater(ConnectionResetError):
    """The API has ended an operation for now, and says after how many seconds to begin it again, if it says so."""

    def __init__(self, text: str, retry_after_s: float | None) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


def reconnect_wait_s(error: Exception) -> float:
    """Seconds from the lost or refused connection to the next attempt: never fewer than the API has asked for."""
    return (asked_s(error) or RECONNECT_S) + _JITTER * random.random()


def asked_s(error: Exception) -> float | None:
    """The seconds that an error, a refused upgrade (503, `Retry-After`) or a close frame (1013, its reason) asks for."""
    match error:
        case AskedLater(retry_after_s=seconds) if seconds is not None:
            return min(seconds, ASKED_S_MAX)
        case InvalidStatus():
            found = _SECONDS.fullmatch(error.response.headers.get("Retry-After", ""))
        case ConnectionClosed(rcvd=close) if close is not None:
            found = _ASKED.search(close.reason)
        case _:
            found = None
    return min(float(found[found.lastindex or 0]), ASKED_S_MAX) if found else None
