"""What is counted of requests: how many are open and about to miss their end, and how each has ended."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import asyncpg

from app.domain.quote import Outcome
from app.postgres.database import Connection

AT_RISK_S: Final = 10.0
"""A request that lacks quotes so shortly before its deadline is at risk."""

_COUNT: Final = """
SELECT count(*) AS open, count(*) FILTER (WHERE expires_at <= $2) AS at_risk, count(*) FILTER (WHERE expires_at <= $1) AS overdue
FROM osago_requests WHERE completed_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class OpenRequestCounts:
    """`at_risk` lack quotes and have less than AT_RISK_S left; `overdue` are past their deadline."""

    open: int
    at_risk: int
    overdue: int


class EndedRequest(NamedTuple):
    """How a request has ended; `first_offer_s` is the time from accepting it to its first offer."""

    outcome: Outcome
    offers: int
    first_offer_s: float | None
    is_late: bool


def ended_request(row: asyncpg.Record, now: datetime) -> EndedRequest:
    """Out of the columns of a request that has just been ended, its `offers` and `first_offer_at` among them."""
    first = row["first_offer_at"]
    first_offer_s = None if first is None else (first - row["created_at"]).total_seconds()
    return EndedRequest(Outcome(row["outcome"]), row["offers"], first_offer_s, now > row["expires_at"])


async def count_open(connection: Connection, now: datetime) -> OpenRequestCounts:
    """Looks through the index of open requests alone."""
    row = await connection.fetchrow(_COUNT, now, now + timedelta(seconds=AT_RISK_S))
    assert row is not None  # noqa: S101 - counts make one row
    return OpenRequestCounts(row["open"], row["at_risk"] - row["overdue"], row["overdue"])
