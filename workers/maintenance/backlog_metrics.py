"""Gauges that are measured now and then: open requests, jobs that wait in the streams, notices in the outbox."""

from datetime import timedelta
from typing import Final

from app.observability import metrics
from app.overview.request_figures import read_open_figures
from app.postgres.database import reading
from app.postgres.outbox import oldest_notice
from app.resources import Resources

EVERY_S: Final = 5.0
AT_RISK: Final = timedelta(seconds=10)
"""A request that lacks quotes so shortly before its deadline is at risk."""


async def measure(resources: Resources) -> None:
    """Sets the gauges of open requests, of the backlog and of the outbox."""
    async with reading(resources.pool) as connection:
        oldest = await oldest_notice(connection)
        requests = await read_open_figures(connection, resources.clock.now(), near=AT_RISK)
    metrics.OPEN.set(requests.open)
    metrics.AT_RISK.set(requests.near - requests.overdue)
    metrics.OVERDUE.set(requests.overdue)
    metrics.OUTBOX_AGE.set(0 if oldest is None else max(0.0, -resources.clock.seconds_until(oldest)))
    seconds, microseconds = await resources.redis.time()
    now_ms = seconds * 1000 + microseconds // 1000
    for insurer_id, backlog in (await resources.jobs.backlog(list(resources.insurers))).items():
        metrics.WAITING.labels(insurer_id).set(backlog.waiting)
        age_ms = 0 if backlog.oldest_ms is None else max(0, now_ms - backlog.oldest_ms)
        metrics.OLDEST.labels(insurer_id).set(age_ms / 1000)
