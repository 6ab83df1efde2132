"""`osago_purges`: what was destroyed, written in the transaction that destroys; and read for reports and acts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from app.domain.subjects.purge import Purge, PurgedKind, PurgedRequest, PurgeMethod, PurgeReason
from app.postgres.database import Connection

_INSERT: Final = """
INSERT INTO osago_purges (
    id, reason, kind, request_ids, purged_at, operator, system, method, actor, categories, subjects
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::text::jsonb)
"""

_COLUMNS: Final = (
    "id, reason, kind, request_ids, purged_at, operator, system, method, actor, subjects::text AS subjects"
)

_BETWEEN: Final = f"""
SELECT {_COLUMNS} FROM osago_purges
WHERE purged_at >= $1 AND purged_at < $2 AND (purged_at, id) > ($3, $4) ORDER BY purged_at, id LIMIT $5
"""  # noqa: S608 - constants of this file

_OF_REQUESTS: Final = f"""
SELECT {_COLUMNS} FROM osago_purges WHERE request_ids && $1::uuid[] ORDER BY purged_at, id
"""  # noqa: S608 - constants of this file

_OF_CUSTOMER: Final = f"""
SELECT {_COLUMNS} FROM osago_purges
WHERE subjects @> jsonb_build_array(jsonb_build_object('customer', $1::text)) ORDER BY purged_at, id
"""  # noqa: S608 - constants of this file

_OF_PERSON: Final = f"""
SELECT {_COLUMNS} FROM osago_purges
WHERE subjects @> jsonb_build_array(jsonb_build_object('people', jsonb_build_array(jsonb_build_object('id', $1::text))))
ORDER BY purged_at, id
"""  # noqa: S608 - constants of this file

_FORGOTTEN: Final = """
SELECT t.id FROM unnest($1::uuid[]) AS t (id)
WHERE EXISTS (
    SELECT 1 FROM osago_purges p
    WHERE p.request_ids @> ARRAY[t.id] AND (p.kind = 'request' OR p.reason = 'forgotten')
)
"""

_requests: Final = msgspec.json.Decoder(tuple[PurgedRequest, ...])
_encoder: Final = msgspec.json.Encoder()


async def insert_purge(connection: Connection, purge: Purge) -> None:
    """Writes a record, beside the statements that destroy."""
    await connection.execute(
        _INSERT,
        purge.id,
        purge.reason.value,
        purge.kind.value,
        [one.request for one in purge.requests],
        purge.at,
        purge.operator,
        purge.system,
        purge.method.value,
        purge.actor,
        [category.value for category in purge.categories],
        _encoder.encode(purge.requests).decode(),
    )


async def purges_between(
    connection: Connection, begin: datetime, end: datetime, *, after: tuple[datetime, UUID], most: int
) -> list[Purge]:
    """A page of the records of that time, `end` not included, in the order of (moment, id)."""
    return [_purge(row) for row in await connection.fetch(_BETWEEN, begin, end, *after, most)]


async def purges_of_requests(connection: Connection, ids: Sequence[UUID]) -> list[Purge]:
    """The records that name one of these requests, the oldest first; each has others beside it."""
    return [_purge(row) for row in await connection.fetch(_OF_REQUESTS, list(ids))] if ids else []


async def purges_of_customer(connection: Connection, customer: str) -> list[Purge]:
    """The records that name a customer by this identifier; each has others beside it."""
    return [_purge(row) for row in await connection.fetch(_OF_CUSTOMER, customer)]


async def purges_of_person(connection: Connection, person: str) -> list[Purge]:
    """The records that name a person by this identifier; each has others beside it."""
    return [_purge(row) for row in await connection.fetch(_OF_PERSON, person)]


async def forgotten_requests(connection: Connection, ids: Sequence[UUID]) -> set[UUID]:
    """The ids among these that were destroyed on purpose, and are not lost."""
    return {row["id"] for row in await connection.fetch(_FORGOTTEN, ids)}


def _purge(row: asyncpg.Record) -> Purge:
    """A record of a release before this one has the ids of its requests, and no more."""
    requests = _requests.decode(row["subjects"])
    reason, kind = PurgeReason(row["reason"]), PurgedKind(row["kind"])
    if not requests:
        kind = PurgedKind.REQUEST if reason is PurgeReason.FORGOTTEN else kind
        requests = tuple(PurgedRequest(id_, row["purged_at"], "") for id_ in row["request_ids"])
    return Purge(
        row["id"],
        reason,
        kind,
        row["purged_at"],
        row["operator"],
        row["system"],
        PurgeMethod(row["method"]),
        row["actor"],
        requests,
    )
