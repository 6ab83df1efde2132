"""Shares of callers: subscriptions, sockets and queries are bounded for each, so that none takes the whole process.

A caller is what its token is about, not the token: a browser that gets ten tokens for one request has one share of it. A
customer's token reaches further, and has eight times as much. Services are limited by the process alone, but for their sockets.
"""

import math
from typing import Final

from app.config.quantities import Rate, WatchShare
from app.domain.caller import Caller, CustomerWatcher, Service, Watcher
from app.domain.errors import ShareExhausted
from app.observability import metrics
from app.runtime.clock import Clock

CUSTOMER_FACTOR: Final = 8
"""A customer's token against a watch token."""
BEGUN_FACTOR: Final = 32
"""Subscriptions may be begun and ended so many times as fast as queries are asked: what they read is shared."""
_SUBSCRIPTION_RETRY_S: Final = 1.0
_IDLE_SHARES: Final = 1024
"""The number of shares that are kept without looking which of them are idle."""


class TokenBucket:
    """Lets `burst` through at once, and more at a rate (the generic cell rate algorithm)."""

    __slots__ = ("_full_at_s", "_interval_s", "_tolerance_s")

    def __init__(self, rate: Rate, burst: int) -> None:
        self._interval_s = rate.per_s / rate.count
        self._tolerance_s = burst * self._interval_s
        self._full_at_s = float("-inf")

    def take(self, now_s: float) -> float:
        """Seconds until the next one is let through; 0: this one is."""
        full_at_s = max(now_s, self._full_at_s) + self._interval_s
        wait_s = full_at_s - now_s - self._tolerance_s
        if wait_s > 1e-9:  # noqa: PLR2004 - what floating point leaves
            return wait_s
        self._full_at_s = full_at_s
        return 0.0

    def is_full(self, now_s: float) -> bool:
        """Whether all that was taken has come back."""
        return self._full_at_s <= now_s


class CallerShare:
    """The share of one caller. Taking more than it raises ShareExhausted."""

    __slots__ = ("_begun", "_clock", "_kind", "_queries", "name", "sockets_max", "subscriptions", "subscriptions_max")

    def __init__(self, kind: str, name: str, clock: Clock, *, sockets: int, share: WatchShare | None = None) -> None:
        self._kind = kind
        self._clock = clock
        self.name = name
        """Names the caller among all: never logged, for it may hold a customer's id."""
        self.sockets_max = sockets
        self.subscriptions = 0
        self.subscriptions_max = share.subscriptions if share else None
        self._queries = TokenBucket(share.queries, share.queries.count) if share else None
        self._begun = _begun(share) if share else None

    @property
    def browser(self) -> str | None:
        """Names the caller if it is a browser."""
        return self.name if self._queries else None

    @property
    def is_idle(self) -> bool:
        """Whether nothing is held, so that a share made anew would be the same."""
        now_s = self._clock.monotonic()
        buckets = (self._queries, self._begun)
        return not self.subscriptions and all(bucket is None or bucket.is_full(now_s) for bucket in buckets)

    def take_query(self) -> None:
        """Counts a query, or a document that is to be read."""
        wait_s = self._queries.take(self._clock.monotonic()) if self._queries else 0
        if wait_s:
            raise self.exhausted("queries", wait_s)

    def begin_subscription(self) -> None:
        """Takes a place, until `end_subscription`. Those that are begun and ended again and again have a rate, too."""
        if self.subscriptions_max is not None and self.subscriptions >= self.subscriptions_max:
            raise self.exhausted("subscriptions", _SUBSCRIPTION_RETRY_S)
        wait_s = self._begun.take(self._clock.monotonic()) if self._begun else 0
        if wait_s:
            raise self.exhausted("subscriptions", wait_s)
        self.subscriptions += 1

    def end_subscription(self) -> None:
        self.subscriptions -= 1

    def exhausted(self, what: str, retry_after_s: float = _SUBSCRIPTION_RETRY_S) -> ShareExhausted:
        """The error that says so; it is counted."""
        metrics.SHARE_EXHAUSTED.labels(self._kind, what).inc()
        return ShareExhausted(f"share of {what}", math.ceil(retry_after_s * 1_000) / 1_000)


def _begun(share: WatchShare) -> TokenBucket:
    """Limits how fast subscriptions are begun: a page that reconnects begins all of its own at once."""
    rate = Rate(share.queries.count * BEGUN_FACTOR, share.queries.per_s)
    return TokenBucket(rate, share.subscriptions * BEGUN_FACTOR)


class CallerShares:
    """Every caller's share of this process; those that are idle are dropped."""

    def __init__(self, clock: Clock, watch: WatchShare, *, sockets_per_service: int) -> None:
        self._clock = clock
        self._watch = watch
        self._customer = watch.times(CUSTOMER_FACTOR)
        self._sockets_per_service = sockets_per_service
        self._shares: dict[str, CallerShare] = {}
        self._look_at = _IDLE_SHARES

    def __len__(self) -> int:
        return len(self._shares)

    def of(self, caller: Caller) -> CallerShare:
        """This caller's share, the same one for as long as it holds anything of it."""
        match caller:
            case Service():
                kind, name, share = "service", f"service {caller.tenant}", None
            case Watcher():
                kind, name, share = "watch", f"watch {caller.request_id}", self._watch
            case CustomerWatcher():
                kind, name, share = "customer", f"customer {caller.tenant}\0{caller.customer_id}", self._customer
        found = self._shares.get(name)
        if found is None:
            self._drop_idle()
            sockets = share.sockets if share else self._sockets_per_service
            found = self._shares[name] = CallerShare(kind, name, self._clock, sockets=sockets, share=share)
        return found

    def _drop_idle(self) -> None:
        if len(self._shares) < self._look_at:
            return
        self._shares = {name: share for name, share in self._shares.items() if not share.is_idle}
        self._look_at = max(_IDLE_SHARES, 2 * len(self._shares))
