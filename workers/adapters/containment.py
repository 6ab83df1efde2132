"""The boundary of an adapter: answers and `InsurerError` pass it. Any other error of an adapter is contained here.

An adapter reads what an insurer sends, and may come from another package: a KeyError there is an answer that cannot
be understood, not a fault of the job, which would be delivered again, isolated and end as a dead letter.
"""

from collections import defaultdict
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import structlog

from app.domain.errors import InsurerError, InsurerProtocol, InsurerUnavailable
from app.domain.quote import NoOffer, Offer
from app.runtime.clock import Clock
from app.runtime.periodic import LogThrottle
from workers.adapters.adapter import Created

log: Final = structlog.get_logger(__name__)

_RETURNED: Final[Mapping[str, tuple[type, ...]]] = {
    "create": (Created, Offer, NoOffer),
    "poll": (Offer, NoOffer, type(None)),
    "callback": (Offer, NoOffer, type(None)),
}


class Containment:
    """Stands around the calls of one insurer's adapter."""

    def __init__(self, insurer_id: str, clock: Clock) -> None:
        self._insurer_id = insurer_id
        self._complaints = defaultdict[str, LogThrottle](lambda: LogThrottle(clock))

    @contextmanager
    def around(self, step: str) -> Generator[None, None, None]:
        """Around one call.

        Raises:
            InsurerError: what the adapter raises.
            InsurerUnavailable: an OSError or a time-out of a transport of the adapter's own.
            InsurerProtocol: any other exception; its frames are logged, without a value, one of many.
        """
        try:
            yield
        except InsurerError:
            raise
        except OSError as error:
            raise InsurerUnavailable(type(error).__name__) from error
        except Exception as error:
            # Written by another house, perhaps: its exception concerns one answer of one insurer.
            if self._complaints[step].is_due:
                log.exception("adapter.failed", insurer=self._insurer_id, step=step)
            raise InsurerProtocol(f"the adapter fails ({type(error).__name__})") from error


def checked(step: str, returned: Any) -> Any:
    """The adapter's answer, if it is one that this step may return.

    Raises:
        InsurerProtocol: it is not.
    """
    if not isinstance(returned, _RETURNED[step]):
        raise InsurerProtocol(f"{step}: the adapter returns {type(returned).__name__}")
    return returned
