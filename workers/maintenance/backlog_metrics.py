"""What is measured now and then: what is open, what waits in the streams, and in the outbox."""

from typing import Final

from app.observability import metrics
from app.postgres.database import reading
from app.postgres.outbox import oldest_notice
from app.postgres.request_counts import count_open
from app.resources import Resources

EVERY_S: Final = 5.0


async def measure(resources: Resources) -> None:
    """Sets the gauges of open requests, of the backlog and of the outbox."""
    async with reading(resources.pool) as connection:
        oldest = await oldest_notice(connection)
        requests = await count_open(connection, resources.clock.now())
    metrics.OPEN.set(requests.open)
    metrics.AT_RISK.set(requests.at_risk)
    metrics.OVERDUE.set(requests.overdue)
    metrics.OUTBOX_AGE.set(0 if oldest is None else max(0.0, -resources.clock.seconds_until(oldest)))
    seconds, microseconds = await resources.redis.time()
    now_ms = seconds * 1000 + microseconds // 1000
    for insurer_id, backlog in (await resources.jobs.backlog(list(resources.insurers))).items():
        metrics.WAITING.labels(insurer_id).set(backlog.waiting)
        age_ms = 0 if backlog.oldest_ms is None else max(0, now_ms - backlog.oldest_ms)
        metrics.OLDEST.labels(insurer_id).set(age_ms / 1000)
