"""Whether the users of a run got exactly what the insurers have said, each quote once and in time."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import httpx

from bench.fleet import Fleet
from bench.insurers import premium
from bench.users import Crowd, Watched
from sandbox.insurers.model.application_store import application_id, offer_number


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many quotes were right; how many things were not, and what."""

    right: int
    wrong: int
    note: str
    reply_to_frame_p99_ms: float


def verify(crowd: Crowd, one: Fleet, insurers: Sequence[str]) -> Verdict:
    """Compares what users saw with the insurers' own books and with PostgreSQL."""
    wrong: Counter[str] = Counter(crowd.failures)
    _, replied_at = called_at(one)
    latencies_s: list[float] = []
    right = 0
    for user in crowd.users:
        faults = list(_faults(user, insurers))
        wrong.update(faults)
        right += len(user.quotes) if not faults else 0
        moments = ((quote.at, replied_at.get(f"{user.request_id}:{quote.insurer_id}")) for quote in user.quotes)
        latencies_s.extend(at - moment for at, moment in moments if moment)
    stored = one.system.fetch("SELECT count(*) FROM osago_quotes WHERE status = 'OFFERED'")
    if stored != right:
        wrong[f"{stored} offers in PostgreSQL"] += 1
    latencies_s.sort()
    p99_ms = latencies_s[int(len(latencies_s) * 0.99)] * 1000 if latencies_s else 0.0
    return Verdict(right, wrong.total(), "; ".join(f"{what}: {n}" for what, n in wrong.most_common(5)), p99_ms)


def _faults(user: Watched, insurers: Sequence[str]) -> Iterator[str]:
    if Counter(quote.insurer_id for quote in user.quotes) != Counter(insurers):
        yield "not every insurer once"
    for quote in user.quotes:
        if quote.status != "OFFERED":
            yield quote.status
            continue
        key = f"{user.request_id}:{quote.insurer_id}"
        if quote.number != offer_number(quote.insurer_id, application_id(quote.insurer_id, key)):
            yield "the offer of another request"
        if quote.premium != premium(quote.insurer_id, key):
            yield "another premium"
        if quote.at > user.expires_at:
            yield "late"
    if user.outcome != "ALL_ANSWERED":
        yield f"outcome {user.outcome or 'none'}"
    if user.ended_at > user.expires_at:
        yield "a late end"


def called_at(one: Fleet) -> tuple[dict[str, float], dict[str, float]]:
    """When each application's insurer was called first, and last: with that reply it gave its answer. By idempotency key."""
    book = book_of(one)
    return {key: first for key, (first, _, _) in book.items()}, {key: last for key, (_, last, _) in book.items()}


def book_of(one: Fleet) -> dict[str, tuple[float, float, int]]:
    """The insurers' own book: of each application, when it was called about first and last, and how often."""
    return httpx.get(f"{one.insurers_url}/book", timeout=60).json()
