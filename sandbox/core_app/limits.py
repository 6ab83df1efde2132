"""Limits of what one customer, and one address, may ask for: a loop in a browser costs the insurers nothing."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from sandbox.core_app.config import CustomerLimit

ADDRESS_SHARE: Final = 10
"""An address may ask for what so many customers may: a family, a small office, all on their first visit."""
KEYS_MAX: Final = 100_000


class SubmissionLimits:
    """One limit per customer and a wider one per address: cookies are free, addresses are not."""

    def __init__(self, limit: CustomerLimit | None, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._limits = limit and (
            _KeyedLimit(limit, monotonic),
            _KeyedLimit(replace(limit, count=limit.count * ADDRESS_SHARE), monotonic),
        )

    def take(self, customer_id: str | None, address: str) -> float:
        """0 if the customer may ask now, which counts; else the seconds to wait, which does not.

        Without a `customer_id` all of the address are one customer.
        """
        if self._limits is None:
            return 0.0
        customers, addresses = self._limits
        wait_s = max(customers.wait_s(customer_id or address), addresses.wait_s(address))
        if wait_s == 0:
            customers.count(customer_id or address)
            addresses.count(address)
        return wait_s

    def give_back(self, customer_id: str | None, address: str) -> None:
        """An application that was refused for its fields, or that is to be sent again, is none: a customer may correct fields one by one.

        The address keeps it: a loop that sends nonsense ends there.
        """
        if self._limits is not None:
            self._limits[0].give_back(customer_id or address)


class _KeyedLimit:
    """A generic cell rate algorithm: one number per key, the moment when all that was used has come back."""

    def __init__(self, limit: CustomerLimit, monotonic: Callable[[], float]) -> None:
        self._limit = limit
        self._monotonic = monotonic
        self._free_at: OrderedDict[str, float] = OrderedDict()

    def wait_s(self, key: str) -> float:
        """Seconds until one more is within the limit."""
        return max(0.0, self._free_after_one_more(key) - self._monotonic() - self._limit.per_s)

    def count(self, key: str) -> None:
        self._free_at[key] = self._free_after_one_more(key)
        self._free_at.move_to_end(key)
        if len(self._free_at) > KEYS_MAX:
            self._free_at.popitem(last=False)

    def give_back(self, key: str) -> None:
        if key in self._free_at:
            self._free_at[key] -= self._limit.per_s / self._limit.count

    def _free_after_one_more(self, key: str) -> float:
        return max(self._monotonic(), self._free_at.get(key, 0.0)) + self._limit.per_s / self._limit.count
