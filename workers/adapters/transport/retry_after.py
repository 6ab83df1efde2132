"""`Retry-After`, as HTTP has it, and as insurers write it into bodies: seconds, or a date.

Anything that cannot be read, or that no insurer can mean, is as if it were missing: it is a hint, and no answer hangs on it.
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from app.domain.errors import RETRY_AFTER_S_MAX

_TEXT_LENGTH_MAX: Final = 64
_NO_DATE: Final = (ValueError, OverflowError, TypeError, IndexError)
"""Errors of the standard library for texts that are no dates, or dates outside the calendar."""


def retry_after_s(said: object, now: datetime) -> float | None:
    """Seconds, 0 for a moment that has passed; None if there are none, or none that can be meant."""
    if isinstance(said, int | float):
        return float(said) if 0 <= said <= RETRY_AFTER_S_MAX else None
    if not isinstance(said, str) or len(said) > _TEXT_LENGTH_MAX:
        return None
    text = said.strip()
    if text.isascii() and text.isdigit():
        seconds = float(text)
    else:
        try:
            moment = parsedate_to_datetime(text)
            seconds = max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())
        except _NO_DATE:
            return None
    return seconds if seconds <= RETRY_AFTER_S_MAX else None
