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


def reconnect_wait_s(error: Exception) -> float:
    """Seconds from the lost or refused connection to the next attempt: never fewer than the API has asked for."""
    return (asked_s(error) or RECONNECT_S) + _JITTER * random.random()


def asked_s(error: Exception) -> float | None:
    """The seconds that a refused upgrade (503, `Retry-After`) or a close frame (1013, its reason) asks for."""
    match error:
        case InvalidStatus():
            found = _SECONDS.fullmatch(error.response.headers.get("Retry-After", ""))
        case ConnectionClosed(rcvd=close) if close is not None:
            found = _ASKED.search(close.reason)
        case _:
            found = None
    return min(float(found[found.lastindex or 0]), ASKED_S_MAX) if found else None
