"""Limits what one customer may ask for, so that a loop in somebody's browser costs the insurers nothing."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from sandbox.core_app.config import CustomerLimit

CUSTOMERS_MOST: Final = 100_000


class CustomerLimits:
    """A generic cell rate algorithm: one number per customer, the moment when all that was used has come back."""

    def __init__(self, limit: CustomerLimit | None, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._monotonic = monotonic
        self._free_at: OrderedDict[str, float] = OrderedDict()

    def take(self, customer_id: str) -> float:
        """0 if the customer may ask now, which counts; else the seconds to wait, which does not."""
        if self._limit is None:
            return 0.0
        now = self._monotonic()
        free_at = max(now, self._free_at.get(customer_id, now)) + self._limit.per_s / self._limit.count
        if free_at - now > self._limit.per_s:
            return free_at - now - self._limit.per_s
        self._free_at[customer_id] = free_at
        self._free_at.move_to_end(customer_id)
        if len(self._free_at) > CUSTOMERS_MOST:
            self._free_at.popitem(last=False)
        return 0.0
