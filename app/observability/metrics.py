"""Every metric, in one place. Labels are insurers, statuses and the like: never ids, never anything personal."""

from collections.abc import Iterable
from functools import cache
from itertools import product
from types import MappingProxyType
from typing import Final, NamedTuple

from prometheus_client import Counter, Gauge, Histogram

from app.domain.quote import Outcome, QuoteStatus
from app.domain.subjects.purge import PurgedKind, PurgeReason
from app.domain.tariff.lawfulness import Inconsistent, Unlawful
from app.observability.batch_histogram import BatchHistogram
from app.observability.recent_activity import RECENT

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 45, 60)
_SHORT_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_OFFERS: Final = ("none", "one", "more")
_CLOSE_CODES: Final = (
    1000,
    1001,
    1005,
    1006,
    1008,
    1009,
    1011,
    1012,
    1013,
    *(4400, 4401, 4403, 4404, 4406, 4408, 4409, 4429),
)
"""Codes of WebSockets that processes here and browsers send: clients may send any code up to 4999."""
_LOST_MAX: Final = 100
"""Names of lost workers that one process keeps."""
_lost: Final = set[str]()
_COUNTS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)

ACCEPTED: Final = Counter("osago_requests_accepted", "Quote requests committed.")
ENDED: Final = Counter(
    "osago_requests_ended", "Quote requests ended, by how, and by how many offers they have.", ["outcome", "offers"]
)
ENDED_LATE: Final = Counter("osago_requests_ended_late", "Of these, the ones that ended after their deadline.")
FIRST_OFFER: Final = Histogram(
    "osago_first_offer_seconds", "From accepting a request to its first offer, seen at its end.", buckets=_SECONDS
)
FIRST_CALL: Final = Histogram(
    "osago_first_call_seconds",
    "From accepting a request to the moment when a worker may first call an insurer about it, its limit aside.",
    ["insurer"],
    buckets=_SECONDS,
)
OPEN: Final = Gauge("osago_requests_open", "Open requests, in PostgreSQL.")
AT_RISK: Final = Gauge("osago_requests_at_risk", "Open requests with less than 10 s left, and quotes missing.")
OVERDUE: Final = Gauge("osago_requests_overdue", "Open requests whose deadline has passed.")
SETTLED: Final = Counter("osago_quotes_settled", "Quotes settled by this process.", ["status"])
ASKED: Final = Histogram(
    "osago_asking_seconds", "From a job's start to the insurer's answer.", ["insurer", "status"], buckets=_SECONDS
)
IN_FLIGHT: Final = Gauge(
    "osago_jobs_in_flight", "Jobs that this worker is asking about.", ["insurer"], multiprocess_mode="livesum"
)
ASKING_OLDEST: Final = Gauge(
    "osago_asking_oldest_seconds", "Age of the oldest request that this worker is asking about.", ["insurer"]
)
WAITING: Final = Gauge("osago_jobs_waiting", "Unread jobs in the stream.", ["insurer"])
OLDEST: Final = Gauge("osago_jobs_oldest_seconds", "Age of the oldest unread job.", ["insurer"])
CLAIMED: Final = Counter("osago_jobs_claimed", "Jobs taken over from dead workers.", ["insurer"])
HANDED_BACK: Final = Counter("osago_jobs_handed_back", "Jobs given back unfinished.", ["insurer", "why"])
DEAD_LETTERS: Final = Counter("osago_dead_letters", "Jobs that were given up.", ["insurer"])
OUTBOX_AGE: Final = Gauge("osago_outbox_oldest_seconds", "Age of the oldest notice in the outbox.")
RELAYED: Final = Counter("osago_outbox_relayed", "Notices published by the relay, which the fast path had left.")
RECOVERED: Final = Counter("osago_jobs_recovered", "Jobs enqueued again after Redis had lost them.")
CALLS: Final = Counter("osago_insurer_calls", "Calls to insurers.", ["insurer", "step", "result", "why"])
CALL_SECONDS: Final = Histogram(
    "osago_insurer_call_seconds",
    "What a call to an insurer took, failed ones too.",
    ["insurer", "step"],
    buckets=_SECONDS,
)
POLLS_EMPTY: Final = Counter("osago_polls_empty", "Polls that found no answer yet.", ["insurer"])
CERTIFICATE: Final = Gauge(
    "osago_insurer_certificate_expiry_timestamp_seconds",
    "When a certificate ends, in seconds since 1970: the insurer's (server), as its last connection showed it, or ours (client).",
    ["insurer", "certificate"],
)
UNLAWFUL: Final = Counter("osago_premiums_unlawful", "Premiums that the tariff does not allow.", ["insurer", "kind"])
INCONSISTENT: Final = Counter(
    "osago_offers_inconsistent", "Offers whose factors are not the tariff's, or not the premium's.", ["insurer", "kind"]
)
ECHOES: Final = Counter(
    "osago_insurer_echoes", "Texts of insurers that held personal data and were dropped.", ["insurer", "field"]
)
LIMITED: Final = Histogram(
    "osago_limit_wait_seconds", "What calls waited for an insurer's limit.", ["insurer", "step"], buckets=_SECONDS
)
CIRCUIT: Final = Gauge("osago_circuit_open", "1 open, 0.5 half open, 0 closed, as this worker sees it.", ["insurer"])
PAUSED: Final = Gauge("osago_insurer_paused", "1 while an operator has paused the insurer.", ["insurer"])
CONTROLS: Final = Gauge("osago_controls", "Controls of operators that this worker goes by.", ["kind"])
SUBSCRIPTIONS: Final = Gauge("osago_subscriptions", "Open subscriptions.", multiprocess_mode="livesum")
PUSHED: Final = BatchHistogram("osago_answer_to_frame_seconds", "From an answer to its frame.", buckets=_SECONDS)
SUBSCRIPTIONS_BEGUN: Final = Counter(
    "osago_subscriptions_begun", "Subscriptions that began: new ones, and resumed ones with a cursor.", ["how"]
)
SOCKETS_CLOSED: Final = Counter("osago_sockets_closed", "WebSockets that ended, by close code.", ["code"])
CONNECTS_REFUSED: Final = Counter(
    "osago_connects_refused", "WebSockets and streams that came too many at once, and were put off."
)
SLOW: Final = Counter("osago_slow_consumers", "WebSockets closed because their clients took nothing any more.")
FOREIGN: Final = Counter(
    "osago_events_foreign", "Events without a valid MAC, notifications and jobs that name no request: left aside."
)
SEALS: Final = Counter("osago_seals", "Documents encrypted, by purpose and key id.", ["purpose", "key"])
PURGED: Final = Counter(
    "osago_purged", "Applications, requests with their quotes, and consents destroyed, by reason.", ["kind", "reason"]
)
PURGE_LAG: Final = Gauge(
    "osago_purge_lag_seconds",
    "By how much the oldest of what is due to be destroyed is overdue, at the last look.",
    ["kind"],
    multiprocess_mode="livemax",
)
RATE_LIMITED: Final = Counter("osago_rate_limited", "Requests that came too soon after others.", ["limit"])
PART_FAILURES: Final = Counter(
    "osago_part_failures", "Failures of parts of a process, each started again since.", ["part"]
)
USABLE: Final = Gauge(
    "osago_server_usable", "1 where PostgreSQL, or Redis, takes work.", ["server"], multiprocess_mode="livemin"
)
LOOK_SECONDS: Final = Gauge(
    "osago_server_look_seconds",
    "What the last look at PostgreSQL, or Redis, took; one a second.",
    ["server"],
    multiprocess_mode="livemax",
)
NOTIFIER: Final = Gauge(
    "osago_notifier_connected", "1 while Redis's pub/sub is heard, 0 while not.", multiprocess_mode="livemin"
)
NOTIFIER_RECONNECTS: Final = Counter("osago_notifier_reconnects", "Times that pub/sub was heard again after a break.")
CLOCK_OFFSET: Final = Gauge(
    "osago_clock_offset_seconds",
    "The machine's wall clock minus PostgreSQL's, every 30 s.",
    multiprocess_mode="livemostrecent",
)
LOOP_LAG: Final = Histogram(
    "osago_event_loop_lag_seconds",
    "How late a timer of the event loop was, four times a second.",
    buckets=_SHORT_SECONDS,
)
POOL_WAIT: Final = Histogram(
    "osago_pool_wait_seconds",
    "What was waited for a connection to PostgreSQL, or for a place among its writers.",
    ["of"],
    buckets=_SHORT_SECONDS,
)
COMMIT_SIZE: Final = Histogram("osago_group_commit_size", "Items in a group commit.", ["commit"], buckets=_COUNTS)
COMMIT_WAIT: Final = Histogram(
    "osago_group_commit_wait_seconds",
    "What the oldest item of a group commit waited for its turn.",
    ["commit"],
    buckets=_SHORT_SECONDS,
)
COMMIT_SECONDS: Final = Histogram(
    "osago_group_commit_seconds", "What a group commit took, from its turn on.", ["commit"], buckets=_SHORT_SECONDS
)
HEARTBEAT_LATE: Final = Histogram(
    "osago_heartbeat_late_seconds", "How late a worker's beat was at Redis.", buckets=_SHORT_SECONDS
)
WORKERS_LOST: Final = Counter("osago_workers_lost", "Workers without a beat whose jobs this one took over.", ["worker"])
WORKER: Final = Gauge("osago_worker", "1: the worker that runs here.", ["worker"])
FAILOVERS: Final = Counter("osago_failovers", "Primaries that were replaced by another server.", ["of"])
ACKNOWLEDGED_LOST: Final = Counter(
    "osago_acknowledged_lost", "Requests that were acknowledged and are gone with a database."
)
SHARE_EXHAUSTED: Final = Counter(
    "osago_share_exhausted", "Refusals because a caller holds all that one may.", ["caller", "what"]
)
DESCRIPTORS_SHORT: Final = Counter(
    "osago_descriptors_short", "Looks, one a second, that found hardly a descriptor left: new connections are dropped."
)
ERRORS: Final = Counter("osago_errors", "Internal errors in answers to callers.", ["code"])
BRIDGE_EVENTS: Final = Counter(
    "osago_bridge_events",
    "Attempts to deliver an event, by how they ended; and entries of the feed without a valid MAC.",
    ["destination", "result"],
)
BRIDGE_LAG: Final = Gauge(
    "osago_bridge_lag_seconds", "Age of the oldest event that the destination has not got.", ["destination"]
)
BRIDGE_WAITING: Final = Gauge("osago_bridge_waiting", "Events that were read and not delivered.", ["destination"])
BRIDGE_ACTIVE: Final = Gauge(
    "osago_bridge_active", "1 where this process carries events, 0 where it stands by.", ["destination"]
)
BRIDGE_RECOVERIES: Final = Counter(
    "osago_bridge_recoveries", "Times that PostgreSQL was read because the feed had a gap.", ["destination"]
)


# As `begin`, in every process.
ERRORS.labels("INTERNAL")
for _of in ("postgresql", "redis"):
    FAILOVERS.labels(_of)
for _status in QuoteStatus:
    if _status is not QuoteStatus.PENDING:
        SETTLED.labels(_status.value)
for _kind in PurgedKind:
    PURGED.labels(_kind.value, PurgeReason.RETENTION.value)
for _outcome, _offers in product(Outcome, _OFFERS):
    ENDED.labels(_outcome.value, _offers)
for _how in ("new", "resumed"):
    SUBSCRIPTIONS_BEGUN.labels(_how)
_CLOSED: Final = MappingProxyType({code: SOCKETS_CLOSED.labels(str(code)) for code in _CLOSE_CODES})
_CLOSED_OTHERWISE: Final = SOCKETS_CLOSED.labels("other")
for _limit in ("caller", "customer"):
    RATE_LIMITED.labels(_limit)
for _caller, _what in product(("watch", "customer", "service"), ("subscriptions", "sockets", "queries")):
    SHARE_EXHAUSTED.labels(_caller, _what)


def begin(insurers: Iterable[str], results: Iterable[tuple[str, str]]) -> None:
    """Has a worker's counters begin at 0: `increase` does not see the first of what begins at 1.

    `results` are the usual ones of a call, each with its cause; a rarer one begins with its first call.
    """
    usual = tuple(results)
    for id_ in insurers:
        for counter in (DEAD_LETTERS, CLAIMED, POLLS_EMPTY):
            counter.labels(id_)
        for counter, kinds in ((UNLAWFUL, Unlawful), (INCONSISTENT, Inconsistent)):
            for kind in kinds:
                counter.labels(id_, kind)
        for reason in ("stopping", "bug", "form"):
            HANDED_BACK.labels(id_, reason)
        for field in ("application id", "number", "code", "extra"):
            ECHOES.labels(id_, field)
        for step, result in product(("create", "poll"), usual):
            CALLS.labels(id_, step, *result)
        for status in ("FAILED", "NONE"):
            _asked(id_, status)


def begin_bridge(destination: str) -> None:
    """As `begin`, for the counters of a bridge."""
    BRIDGE_RECOVERIES.labels(destination)
    for result in ("delivered", "refused", "away", "dead", "foreign"):
        BRIDGE_EVENTS.labels(destination, result)


class EndedRequest(NamedTuple):
    """How a request has ended; `first_offer_s` is the time from accepting it to its first offer."""

    outcome: str
    offers: int
    first_offer_s: float | None
    is_late: bool


def ended(request: EndedRequest) -> None:
    """Counts a request that has ended."""
    ENDED.labels(request.outcome, _OFFERS[min(request.offers, 2)]).inc()
    if request.is_late:
        ENDED_LATE.inc()
    if request.first_offer_s is not None:
        FIRST_OFFER.observe(max(0.0, request.first_offer_s))


def socket_closed(code: int) -> None:
    """Counts a WebSocket that has ended with this code."""
    _CLOSED.get(code, _CLOSED_OTHERWISE).inc()


def worker_lost(consumer: str) -> None:
    """Counts a worker that lost its jobs to another one; of many, the later ones are `other`."""
    if consumer not in _lost and len(_lost) >= _LOST_MAX:
        consumer = "other"
    _lost.add(consumer)
    WORKERS_LOST.labels(consumer).inc()


def answered(status: QuoteStatus, count: int = 1) -> None:
    """Counts settled quotes."""
    if count:
        _settled(status).inc(count)


def asked(insurer_id: str, status: str, seconds: float) -> None:
    """Observes how long an insurer took."""
    _asked(insurer_id, status).observe(seconds)
    RECENT.asked(insurer_id, status, seconds)


# Looking a child up by its labels costs as much as reading an event; there are few of them.
@cache
def _settled(status: QuoteStatus) -> Counter:
    return SETTLED.labels(status.value)


@cache
def _asked(insurer_id: str, status: str) -> Histogram:
    return ASKED.labels(insurer_id, status)
