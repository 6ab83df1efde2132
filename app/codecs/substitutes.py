"""Substitutes for a quote that cannot be read or written: FAILED / INTERNAL, so that the other quotes still come."""

import functools
from typing import Final
from uuid import UUID

import structlog

from app.domain.quote import NoOffer, ReasonCode, failed
from app.observability import metrics

log: Final = structlog.get_logger(__name__)

SUBSTITUTE: Final = failed(ReasonCode.INTERNAL)
_LOGGED_MAX: Final = 4096


def substitute_for(request_id: UUID, insurer_id: str) -> NoOffer:
    """The answer in place of this quote's. Call it where the exception is handled: it is logged, once for each quote."""
    _log_once(request_id, insurer_id)
    return SUBSTITUTE


@functools.lru_cache(_LOGGED_MAX)
def _log_once(request_id: UUID, insurer_id: str) -> None:
    # Only handlers of an exception call this.
    log.error("quote.unreadable", quote=f"{request_id}:{insurer_id}", exc_info=True)  # noqa: LOG014
    metrics.ERRORS.labels("INTERNAL").inc()
