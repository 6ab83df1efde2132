"""The relay publishes what the fast path has left: select, publish, delete. Publishing twice changes nothing."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from app.domain.errors import RedisAway
from app.domain.quote import QuoteRequest
from app.observability import metrics
from app.postgres.database import connected, reading
from app.postgres.outbox import Kind, Notice, delete_notices, notices_until
from app.postgres.request_rows import read_requests
from app.redis.job_streams import RELAY, Enqueued
from app.redis.keys import customer_mark, shard_of
from app.resources import Resources

EVERY_S: Final = 0.5
LEFT_FOR: Final = timedelta(seconds=1)
"""Younger notices are left to the fast path."""
_MAX: Final = 500


async def relay_once(resources: Resources) -> None:
    """Publishes the oldest notices.

    Raises:
        Unavailable: one of the two is away; the notices stay.
    """
    while True:
        async with reading(resources.pool) as connection:
            until = resources.clock.now() - LEFT_FOR
            notices = await notices_until(connection, until, most=_MAX)
            requests = await read_requests(connection, [notice.request_id for notice in notices])
        if not notices:
            return
        await resources.pool.confirm()
        published, away = await _publish_by_shard(
            resources, [(notice, requests[notice.request_id]) for notice in notices]
        )
        async with connected(resources.pool) as connection:
            await delete_notices(connection, published)
        metrics.RELAYED.inc(len(published))
        if away:
            raise away
        if len(notices) < _MAX:
            return


async def _publish_by_shard(
    resources: Resources, notices: Sequence[tuple[Notice, QuoteRequest]]
) -> tuple[list[Notice], RedisAway | None]:
    """Returns the notices that Redis has now; a shard without its server does not hold up the others."""
    shards: dict[int, list[tuple[Notice, QuoteRequest]]] = defaultdict(list)
    for notice, request in notices:
        shards[shard_of(request.id, resources.jobs.shards)].append((notice, request))
    done = await asyncio.gather(*(_publish(resources, group) for group in shards.values()), return_exceptions=True)
    published: list[Notice] = []
    away: RedisAway | None = None
    for group, error in zip(shards.values(), done, strict=True):
        if isinstance(error, RedisAway):
            away = error
        elif error is not None:
            raise error
        else:
            published += [notice for notice, _ in group]
    return published, away


async def _publish(resources: Resources, notices: Sequence[tuple[Notice, QuoteRequest]]) -> None:
    await resources.jobs.enqueue(
        [
            Enqueued(
                request.id,
                missing,
                request.expires_at,
                customer_mark(request.tenant, request.customer_id),
                request.trace or "",
            )
            for notice, request in notices
            if notice.kind is Kind.ACCEPTED and (missing := _missing(request))
        ],
        via=RELAY,
    )
    for notice, request in notices:
        if notice.kind is Kind.COMPLETED and request.ending:
            await resources.events.publish_end(request, request.ending)


def _missing(request: QuoteRequest) -> tuple[str, ...]:
    """The insurers without an answer; none when the request has ended."""
    if request.ending:
        return ()
    return tuple(insurer_id for insurer_id in request.insurers if insurer_id not in request.quotes)
