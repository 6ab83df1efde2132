"""Purchase links in `osago_quotes`: those that a release before this one stored in the clear, and those that another key sealed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import asyncpg

from app.postgres.database import Connection
from app.postgres.quote_rows import Key

BEGINNING: Final[Key] = (UUID(int=0), "")

# What another process has locked it seals or destroys itself.
_IN_CLEAR: Final = """
SELECT q.request_id, q.insurer_id, q.offer->>'purchaseUrl' AS link,
       (SELECT r.application IS NULL FROM osago_requests r WHERE r.id = q.request_id) AS is_purged
FROM osago_quotes q WHERE q.offer ? 'purchaseUrl' AND (q.request_id, q.insurer_id) > ($1, $2)
ORDER BY q.request_id, q.insurer_id LIMIT $3 FOR UPDATE OF q SKIP LOCKED
"""

_SEALED_OTHERWISE: Final = """
SELECT request_id, insurer_id, offer->>'sealedUrl' AS link, false AS is_purged FROM osago_quotes
WHERE offer ? 'sealedUrl' AND split_part(offer->>'sealedUrl', '.', 1) <> $1 AND (request_id, insurer_id) > ($2, $3)
ORDER BY request_id, insurer_id LIMIT $4 FOR UPDATE SKIP LOCKED
"""

_REPLACE: Final = """
UPDATE osago_quotes q
SET offer = (offer - 'purchaseUrl' - 'sealedUrl') || jsonb_strip_nulls(jsonb_build_object('sealedUrl', t.link))
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS t (request_id, insurer_id, link)
WHERE q.request_id = t.request_id AND q.insurer_id = t.insurer_id
"""


@dataclass(frozen=True, slots=True)
class StoredLink:
    """A quote's link as it is stored; `is_purged`: the application is gone already, and the link has to follow."""

    key: Key
    text: str = field(repr=False)
    is_purged: bool


async def links_in_clear(connection: Connection, *, after: Key, most: int) -> list[StoredLink]:
    """A page of the links that are not sealed, in the order of their keys, locked until the transaction ends."""
    return [_stored(row) for row in await connection.fetch(_IN_CLEAR, *after, most)]


async def links_sealed_otherwise(connection: Connection, key_id: str, *, after: Key, most: int) -> list[StoredLink]:
    """A page of the links that another key has sealed."""
    return [_stored(row) for row in await connection.fetch(_SEALED_OTHERWISE, key_id, *after, most)]


async def replace_links(connection: Connection, keys: Sequence[Key], sealed: Sequence[str | None]) -> None:
    """Puts sealed links in the place of what is stored; None leaves no link."""
    await connection.execute(_REPLACE, [id_ for id_, _ in keys], [insurer for _, insurer in keys], sealed)


def _stored(row: asyncpg.Record) -> StoredLink:
    return StoredLink((row["request_id"], row["insurer_id"]), row["link"], row["is_purged"])
