"""Loading the requests that lanes are about to work on, read from PostgreSQL once for all lanes.

A request's jobs come to all lanes within a millisecond. One read each would fetch the same sealed application a dozen
times, over as many connections.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from app.postgres.database import Pool, reading
from app.postgres.quote_rows import QuoteSlots, Work, read_slots, read_work
from app.runtime.group_commit import GroupCommit
from app.runtime.supervision import Part

_READ_MAX: Final = 500
"""Requests in one read: some 1 MB."""


class ApplicationLoader:
    """The loader of one worker. Its owner runs `parts`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._reads: GroupCommit[UUID, QuoteSlots | None] = GroupCommit(self._read, name="loading", batch_max=_READ_MAX)
        self._under_way: dict[UUID, asyncio.Future[QuoteSlots | None]] = {}
        """A job of a request that is being read waits for that read."""

    def parts(self) -> list[Part]:
        return [Part("loading", self._reads.run)]

    async def read(self, insurer_id: str, ids: Sequence[UUID]) -> Mapping[UUID, Work]:
        """The state that one insurer's lane needs for a batch of jobs; requests that are gone are left out.

        Raises:
            Unavailable: PostgreSQL is not there, or too much is waiting to be read.
        """
        reads = {id_: self._reading(id_) for id_ in ids}
        if reads:
            await asyncio.wait(reads.values())  # a cancelled waiter does not end the read of the others
        found = {id_: slots for id_, read in reads.items() if (slots := read.result())}
        works = {id_: slots.work for id_, slots in found.items()}
        settled = [id_ for id_, slots in found.items() if insurer_id in slots.settled]
        if settled:  # seldom, and read by each lane for itself: a row that it cannot read stops no other
            async with reading(self._pool) as connection:
                works |= await read_work(connection, insurer_id, settled)
        return works

    def _reading(self, id_: UUID) -> asyncio.Future[QuoteSlots | None]:
        read = self._under_way.get(id_)
        if read is None:
            read = self._under_way[id_] = self._reads.put(id_)
            read.add_done_callback(lambda _: self._under_way.pop(id_, None))
        return read

    async def _read(self, batch: Sequence[UUID]) -> list[QuoteSlots | None]:
        async with reading(self._pool) as connection:
            found = await read_slots(connection, batch)
        return [found.get(id_) for id_ in batch]
