"""A job in a lane: one request at one insurer, while this worker asks about it."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from app.domain.application import Application
from app.redis.job_streams import Delivery
from app.story.answer_trail import AnswerTrail


class NotOurs(Exception):
    """The job belongs to another worker now: nothing more is to be done about it here."""


@dataclass(slots=True, eq=False)
class Holding:
    """A lane's hold on a job, from its delivery to its acknowledgement."""

    delivery: Delivery
    is_lost: bool = False
    is_settling: bool = False
    task: asyncio.Task[None] | None = None
    application: Application | None = None
    """Held for as long as the job is, for other insurers' lanes that come for it a little later."""

    application_id: str | None = None
    """The insurer's own, as soon as this worker knows it: calls of the insurer may name it."""

    trail: AnswerTrail = field(default_factory=AnswerTrail)

    def redeliver(self, delivery: Delivery) -> None:
        """Goes on under another delivery of the same job: Redis lost the first one, or delivered it twice."""
        if delivery.entry != self.delivery.entry or delivery.deliveries > self.delivery.deliveries:
            self.delivery = delivery
        self.is_lost = False


@dataclass(frozen=True, slots=True)
class Job:
    """One job of a lane. `application_id` is the insurer's own, where an earlier worker got so far."""

    insurer_id: str
    request_id: UUID
    application: Application
    expires_at: datetime
    application_id: str | None
    holding: Holding

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt and every worker: a repeated create makes no second application."""
        return f"{self.request_id}:{self.insurer_id}"


class Ownership(Protocol):
    """The ownership of a job, and what its worker leaves to another one."""

    async def confirm(self, job: Job) -> None:
        """Returns if the job is still this worker's, as far as can be known.

        Raises:
            NotOurs: another worker has it.
        """
        ...

    async def remember(self, job: Job, application_id: str) -> None:
        """Keeps the insurer's own id for a worker that takes the job over."""
        ...


class ShardOwnership(Ownership, Protocol):
    """The same in every shard, once this worker is known there."""

    async def begun_in(self, shard: int) -> None:
        """Returns once jobs of this shard may be read."""
        ...


def deliveries_by_shard(holdings: Iterable[Holding], *, counted: bool) -> Mapping[int, Mapping[str, int]]:
    """How often each entry counts as delivered, by shard; without `counted` the delivery that is under way does not."""
    shards: dict[int, dict[str, int]] = {}
    for holding in holdings:
        delivery = holding.delivery
        count = delivery.deliveries if counted else delivery.deliveries - 1
        shards.setdefault(delivery.shard, {})[delivery.entry] = count
    return shards
