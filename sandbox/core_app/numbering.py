"""Numbers applications, and remembers for half an hour which request came of each.

The number follows from the customer and the content: a repeated submission gets the same number from any process, after any restart,
so that the aggregator recognises it. A real service would keep applications in a database of its own.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

REMEMBERED_S: Final = 1800.0
REMEMBERED_MAX: Final = 100_000
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_DIGITS: Final = 12
_GROUP: Final = 4


def number_of(customer_id: str, submission_key: str) -> str:
    """The application's number, e.g. `7K3M-94QT-XW2P`: 60 bits, in letters that cannot be misread on the telephone."""
    digest = hashlib.sha256(f"{customer_id}\n{submission_key}".encode()).digest()
    digits = "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:_DIGITS])
    return "-".join(digits[at : at + _GROUP] for at in range(0, _DIGITS, _GROUP))


@dataclass(frozen=True, slots=True)
class Application:
    """What is remembered of an application; nothing that the customer wrote in it."""

    number: str
    customer_id: str
    request_id: str
    accepted_at_s: float
    ends_at_s: float
    """Both of the monotonic clock."""


class Applications:
    """Those of the last half hour, the oldest first."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._by_number: OrderedDict[str, Application] = OrderedDict()

    def remember(self, number: str, customer_id: str, request_id: str, *, remaining_s: float) -> None:
        now = self._monotonic()
        self._by_number[number] = Application(number, customer_id, request_id, now, now + remaining_s)
        self._by_number.move_to_end(number)
        while len(self._by_number) > REMEMBERED_MAX or self._oldest().accepted_at_s < now - REMEMBERED_S:
            self._by_number.popitem(last=False)

    def find(self, number: str, customer_id: str) -> Application | None:
        """None if there is none, or none of this customer."""
        found = self._by_number.get(number)
        return found if found and found.customer_id == customer_id else None

    def _oldest(self) -> Application:
        return next(iter(self._by_number.values()))
