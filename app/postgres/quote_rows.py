"""Settled quotes in PostgreSQL: the primary key (request, insurer) is the fence that only one answer passes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final
from uuid import UUID

import asyncpg

from app.codecs.quote_codec import EncodedQuote, encoded
from app.domain.quote import Quote
from app.postgres.cipher import Sealed
from app.postgres.database import Connection
from app.postgres.request_rows import quote_of

# The requests are locked first, as their foreign key would lock them afterwards: a transaction that ends one of them holds it
# FOR UPDATE and writes the same slots, and the two would wait for each other.
_SETTLE: Final = """
WITH locked AS (SELECT id FROM osago_requests WHERE id = ANY($1::uuid[]) ORDER BY id FOR KEY SHARE)
INSERT INTO osago_quotes (request_id, insurer_id, status, offer, reason, received_at, trail)
SELECT t.* FROM unnest($1::uuid[], $2::text[], $3::text[], $4::jsonb[], $5::jsonb[], $6::timestamptz[], $7::text[])
    AS t (request_id, insurer_id, status, offer, reason, received_at, trail)
LEFT JOIN locked ON locked.id = t.request_id
ORDER BY t.request_id, t.insurer_id
ON CONFLICT (request_id, insurer_id) DO NOTHING
RETURNING request_id, insurer_id
"""

_READ: Final = """
SELECT request_id, insurer_id, status, offer::text, reason::text, received_at FROM osago_quotes
WHERE (request_id, insurer_id) IN (SELECT * FROM unnest($1::uuid[], $2::text[]))
"""

# Of what has ended without an answer: its end was written by a process that knows nothing of the calls.
_ADD_TRAILS: Final = """
UPDATE osago_quotes q SET trail = t.trail FROM unnest($1::uuid[], $2::text[], $3::text[]) AS t (request_id, insurer_id, trail)
WHERE q.request_id = t.request_id AND q.insurer_id = t.insurer_id
AND q.trail IS NULL AND q.status IN ('TIMED_OUT', 'CANCELLED')
"""

_MISSING: Final = """
SELECT r.id, insurer FROM osago_requests r, unnest(r.insurers) AS insurer
WHERE r.id = ANY($1::uuid[])
AND NOT EXISTS (SELECT 1 FROM osago_quotes q WHERE q.request_id = r.id AND q.insurer_id = insurer)
ORDER BY r.id, insurer
"""

_SLOTS: Final = """
SELECT r.id, r.application, r.application_key_id, r.expires_at, r.completed_at IS NOT NULL AS ended,
       ARRAY(SELECT q.insurer_id FROM osago_quotes q WHERE q.request_id = r.id) AS settled
FROM osago_requests r WHERE r.id = ANY($1::uuid[])
"""

_WORK: Final = """
SELECT r.id, r.application, r.application_key_id, r.expires_at, r.completed_at IS NOT NULL AS ended,
       q.insurer_id, q.status, q.offer::text, q.reason::text, q.received_at
FROM osago_requests r LEFT JOIN osago_quotes q ON q.request_id = r.id AND q.insurer_id = $2
WHERE r.id = ANY($1::uuid[])
"""

Key = tuple[UUID, str]


@dataclass(frozen=True, slots=True)
class Work:
    """The state of a request that a lane needs before a call. `settled` is the quote that is there already."""

    application: Sealed | None
    expires_at: datetime
    ended: bool
    settled: Quote | None


@dataclass(frozen=True, slots=True)
class QuoteSlots:
    """The work on a request, for every insurer that is not among `settled`."""

    work: Work
    settled: frozenset[str]


async def insert_quotes(
    connection: Connection,
    quotes: Sequence[Quote | EncodedQuote],
    trails: Mapping[Key, str | None] = MappingProxyType({}),
) -> set[Key]:
    """Settles quotes, sorted by key so that two batches cannot deadlock; returns the keys of those that won.

    `trails`: how their answers came about, as `app.story.answer_trail` encodes it.
    """
    ordered = [encoded(quote) for quote in sorted(quotes, key=_place)]
    rows = await connection.fetch(
        _SETTLE,
        [quote.request_id for quote in ordered],
        [quote.insurer_id for quote in ordered],
        [quote.status.value for quote in ordered],
        [quote.offer for quote in ordered],
        [quote.reason for quote in ordered],
        [quote.received_at for quote in ordered],
        [trails.get((quote.request_id, quote.insurer_id)) for quote in ordered],
    )
    return {(row["request_id"], row["insurer_id"]) for row in rows}


def _place(quote: Quote | EncodedQuote) -> tuple[int, str]:
    """A UUID's number sorts as the UUID does, without a call for each comparison."""
    return quote.request_id.int, quote.insurer_id


async def add_trails(connection: Connection, trails: Mapping[Key, str]) -> None:
    """Adds the trails of quotes that the end of their requests has written; others are left as they are."""
    ordered = sorted(trails)
    ids, insurers = [request_id for request_id, _ in ordered], [insurer_id for _, insurer_id in ordered]
    await connection.execute(_ADD_TRAILS, ids, insurers, [trails[key] for key in ordered])


async def read_quotes(connection: Connection, keys: Sequence[Key]) -> Mapping[Key, Quote]:
    """The settled quotes under these keys."""
    if not keys:
        return {}
    rows = await connection.fetch(_READ, [request_id for request_id, _ in keys], [insurer for _, insurer in keys])
    return {(row["request_id"], row["insurer_id"]): quote_of(row["request_id"], row) for row in rows}


async def missing_quotes(connection: Connection, ids: Sequence[UUID]) -> list[Key]:
    """Every slot of these requests that has no quote."""
    return [(row["id"], row["insurer"]) for row in await connection.fetch(_MISSING, ids)]


async def read_slots(connection: Connection, ids: Sequence[UUID]) -> Mapping[UUID, QuoteSlots]:
    """The state of these requests that all lanes together need."""
    return {
        row["id"]: QuoteSlots(_work(row, None), frozenset(row["settled"]))
        for row in await connection.fetch(_SLOTS, ids)
    }


async def read_work(connection: Connection, insurer_id: str, ids: Sequence[UUID]) -> Mapping[UUID, Work]:
    """The state of these requests that one insurer's lane needs."""
    return {
        row["id"]: _work(row, None if row["status"] is None else quote_of(row["id"], row))
        for row in await connection.fetch(_WORK, ids, insurer_id)
    }


def _work(row: asyncpg.Record, settled: Quote | None) -> Work:
    return Work(
        application=None if row["application"] is None else Sealed(row["application_key_id"], row["application"]),
        expires_at=row["expires_at"],
        ended=row["ended"],
        settled=settled,
    )
