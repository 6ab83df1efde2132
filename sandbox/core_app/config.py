"""What core-app needs to know to run: addresses, a token, limits."""

import secrets
from dataclasses import dataclass, field

from sandbox.core_app.feed_keys import FeedKeys


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerLimit:
    """At most `count` applications of one customer in `per_s` seconds; an address has ten times as much."""

    count: int
    per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Made by `osago core-app` from its options."""

    url: str
    """The aggregator's GraphQL endpoint, for core-app."""
    watch_url: str
    """The same for browsers, `ws://…`."""
    token: str = field(repr=False)
    """The service token."""
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    """Signs customers' cookies; the same in every process. A random one: cookies end with the process."""
    customer_limit: CustomerLimit | None = None
    proxies: str = ""
    """Addresses and networks of proxies: only their `X-Forwarded-For` and `X-Forwarded-Proto` are believed."""
    redis_url: str = field(default="", repr=False)
    """Where the feed is; empty: no events from here."""
    feed_keys: FeedKeys = field(default_factory=lambda: FeedKeys({}), repr=False)
    """Verify what the feed has; without them nothing of it is shown."""
    shards: int = 1

    @property
    def watch_origin(self) -> str:
        """`ws://host:port`, as a Content-Security-Policy wants it."""
        return "/".join(self.watch_url.split("/")[:3])
