"""Loading: what PostgreSQL has of the requests that lanes are about to ask about, read once for all lanes.

A request's jobs come to all lanes within a millisecond. One read each would fetch the same sealed application a dozen
times, over as many connections.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from app.batching import GroupCommit
from app.storage.database import Pool, connected
from app.storage.quotes import Slots, Work, read_slots, read_work

_BATCHES_MOST: Final = 32
"""Of lanes, in one read."""


class Loading:
    """One worker's. Whoever owns it keeps `run` in its TaskGroup."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._reads: GroupCommit[Sequence[UUID], Mapping[UUID, Slots]] = GroupCommit(
            self._read, batch_most=_BATCHES_MOST
        )

    async def run(self) -> None:
        await self._reads.run()

    async def read(self, insurer_id: str, ids: Sequence[UUID]) -> Mapping[UUID, Work]:
        """What one insurer's lane needs for a batch of jobs; requests that are not there any more are left out.

        Raises:
            Unavailable: PostgreSQL is not there.
        """
        found = await self._reads.submit(ids)
        works = {id_: slots.work for id_ in ids if (slots := found.get(id_))}
        settled = [id_ for id_ in works if insurer_id in found[id_].settled]
        if settled:  # seldom, and read by each lane for itself: a row that it cannot read stops no other
            async with connected(self._pool) as connection:
                works |= await read_work(connection, insurer_id, settled)
        return works

    async def _read(self, batch: Sequence[Sequence[UUID]]) -> list[Mapping[UUID, Slots]]:
        async with connected(self._pool) as connection:
            found = await read_slots(connection, list({id_ for ids in batch for id_ in ids}))
        return [found] * len(batch)
