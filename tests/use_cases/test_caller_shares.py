"""What one caller may hold of a process: counted by what its token is about, in a clock that the tests move."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.config.quantities import Rate, WatchShare, parse_watch_share
from app.domain.caller import Caller, CustomerWatcher, Service, Watcher
from app.domain.errors import ShareExhausted
from app.use_cases.caller_shares import BEGUN_FACTOR, CUSTOMER_FACTOR, CallerShares

REQUEST = UUID(int=7)
SHARE = WatchShare(3, 2, Rate(5, 1.0))


class MovedClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Any:
    return MovedClock()


@pytest.fixture
def shares(clock: Any) -> CallerShares:
    return CallerShares(clock, SHARE, sockets_per_service=4)


def taken(take: Callable[[], object]) -> int:
    """How often it succeeds, of ten thousand times."""
    for count in range(10_000):
        try:
            take()
        except ShareExhausted:
            return count
    return 10_000


@pytest.mark.parametrize(
    ("caller", "factor"), [(Watcher(REQUEST), 1), (CustomerWatcher("core-app", "customer-1"), CUSTOMER_FACTOR)]
)
def test_a_browser_has_so_much_and_no_more(shares: CallerShares, caller: Caller, factor: int) -> None:
    """A customer's token eight times as much as a watch token."""
    share = shares.of(caller)
    assert taken(share.begin_subscription) == SHARE.subscriptions * factor
    assert taken(share.take_query) == SHARE.queries.count * factor
    assert share.sockets_max == SHARE.sockets * factor


def test_a_service_is_limited_by_the_process_alone(shares: CallerShares) -> None:
    """Only the number of its sockets has a limit of its own."""
    share = shares.of(Service("core-app", frozenset()))
    assert taken(share.begin_subscription) == taken(share.take_query) == 10_000
    assert share.sockets_max == 4


def test_many_tokens_of_one_request_have_one_share(shares: CallerShares) -> None:
    """What is counted is the request or the customer; others have their own."""
    assert shares.of(Watcher(UUID(int=7))) is shares.of(Watcher(REQUEST))
    mine = shares.of(CustomerWatcher("a", "b"))
    assert mine is shares.of(CustomerWatcher("a", "b"))
    others = [CustomerWatcher("a", "bc"), CustomerWatcher("ab", ""), CustomerWatcher("b", "b"), Watcher(uuid4())]
    assert len({shares.of(caller).name for caller in others} | {mine.name}) == len(others) + 1


def test_queries_have_a_rate(shares: CallerShares, clock: MovedClock) -> None:
    """Beyond it the error says when the next one is welcome, and then it is."""
    share = shares.of(Watcher(REQUEST))
    assert taken(share.take_query) == 5
    with pytest.raises(ShareExhausted) as exhausted:
        share.take_query()
    assert 0.2 <= exhausted.value.retry_after_s <= 0.201
    clock.now_s += exhausted.value.retry_after_s
    assert taken(share.take_query) == 1
    clock.now_s += 3600
    assert taken(share.take_query) == 5


def test_a_wait_is_rounded_up(shares: CallerShares, clock: MovedClock) -> None:
    """A caller that waits as long as the error says is welcome then; no wait is 0."""
    share = shares.of(Watcher(REQUEST))
    taken(share.take_query)
    clock.now_s += 0.1999
    with pytest.raises(ShareExhausted) as exhausted:
        share.take_query()
    assert exhausted.value.retry_after_s == 0.001
    clock.now_s += exhausted.value.retry_after_s
    assert taken(share.take_query) == 1


def test_subscriptions_that_are_begun_and_ended_have_a_rate(shares: CallerShares, clock: MovedClock) -> None:
    """Each of them asks PostgreSQL: many at once, for a page that reconnects; then as many as come in a time."""
    share = shares.of(Watcher(REQUEST))

    def flicker() -> None:
        share.begin_subscription()
        share.end_subscription()

    assert taken(flicker) == SHARE.subscriptions * BEGUN_FACTOR
    assert share.subscriptions == 0
    clock.now_s += 3600
    assert taken(flicker) == SHARE.subscriptions * BEGUN_FACTOR
    clock.now_s += 0.2
    assert taken(flicker) == BEGUN_FACTOR


def test_shares_of_those_that_are_gone_are_dropped(shares: CallerShares, clock: MovedClock) -> None:
    """Ten million browsers leave nothing; what is held, or was asked a moment ago, is not forgotten."""
    holding, asking = shares.of(Watcher(REQUEST)), shares.of(CustomerWatcher("a", "b"))
    holding.begin_subscription()
    for _ in range(5000):
        shares.of(Watcher(uuid4())).take_query()
        clock.now_s += 0.25
        while taken(asking.take_query):
            pass
    assert len(shares) < 2100
    assert shares.of(Watcher(REQUEST)) is holding
    assert shares.of(CustomerWatcher("a", "b")) is asking


@pytest.mark.parametrize(
    "text", ["", "32", "32,16", "32,16,off", "0,16,10/s", "32,0,10/s", "32,16,0/s", "-1,16,10/s", "32,16,10/s,1", 32]
)
def test_a_share_is_three_things(text: object) -> None:
    """Subscriptions, sockets, queries; all of them are limits."""
    with pytest.raises(ValueError, match=r"a (share|rate)"):
        parse_watch_share(text)


def test_a_share_is_written_as_it_is_read() -> None:
    """The share of a customer's token, eight times as much, is written so, too."""
    assert str(parse_watch_share("32,16,10/s")) == "32,16,10/s"
    assert str(parse_watch_share("32,16,10/min").times(8)) == "256,128,80/min"
