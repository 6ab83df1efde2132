"""Every metric, in one place. Labels are insurers, statuses and the like: never ids, never anything personal."""

from collections.abc import Iterable
from functools import cache
from itertools import product
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from app.domain.quote import QuoteStatus
from app.domain.tariff.lawfulness import Inconsistent, Unlawful
from app.observability.recent_activity import RECENT

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 45, 60)

ACCEPTED: Final = Counter("osago_requests_accepted", "Quote requests committed.")
SETTLED: Final = Counter("osago_quotes_settled", "Quotes settled by this process.", ["status"])
ASKED: Final = Histogram(
    "osago_asking_seconds", "From a job's start to the insurer's answer.", ["insurer", "status"], buckets=_SECONDS
)
IN_FLIGHT: Final = Gauge(
    "osago_jobs_in_flight", "Jobs that this worker is asking about.", ["insurer"], multiprocess_mode="livesum"
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
UNLAWFUL: Final = Counter("osago_premiums_unlawful", "Premiums that the tariff does not allow.", ["insurer", "kind"])
INCONSISTENT: Final = Counter(
    "osago_offers_inconsistent",
    "Offers whose factors are not the tariff's, or do not make their premium.",
    ["insurer", "kind"],
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
PUSHED: Final = Histogram("osago_answer_to_frame_seconds", "From the insurer's answer to its frame.", buckets=_SECONDS)
CONNECTS_REFUSED: Final = Counter("osago_connects_refused", "WebSockets that came too many at once, and were put off.")
SLOW: Final = Counter("osago_slow_consumers", "WebSockets closed because their clients took nothing any more.")
FOREIGN: Final = Counter(
    "osago_events_foreign", "Events without a MAC of ours, and rings that name no request: left aside."
)
SEALS: Final = Counter("osago_seals", "Documents encrypted, by purpose and key id.", ["purpose", "key"])
PURGED: Final = Counter("osago_applications_purged", "Applications destroyed because their time was up.")
RATE_LIMITED: Final = Counter("osago_rate_limited", "Requests that came too soon after others.", ["limit"])
PART_FAILURES: Final = Counter(
    "osago_part_failures", "Failures of parts of a process, each started again since.", ["part"]
)
USABLE: Final = Gauge(
    "osago_server_usable", "1 where PostgreSQL, or Redis, takes work.", ["server"], multiprocess_mode="livemin"
)
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


# As `begin`, in every process.
ERRORS.labels("INTERNAL")
for _of in ("postgresql", "redis"):
    FAILOVERS.labels(_of)
for _status in QuoteStatus:
    if _status is not QuoteStatus.PENDING:
        SETTLED.labels(_status.value)
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
        for counter in (DEAD_LETTERS, CLAIMED):
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
