"""Trails of answers that never came: the end of a request is written by any process, and this one adds how far asking had come.

One statement for all of them, a second later: a customer waits for none of it.
"""

from collections.abc import Mapping
from datetime import datetime
from itertools import islice
from typing import Final
from uuid import UUID

from app.postgres.database import Pool, connected
from app.postgres.quote_rows import Key, add_trails
from app.runtime.clock import Clock
from app.runtime.group_commit import DataRefused
from app.runtime.periodic import periodic
from app.runtime.supervision import Part

WRITE_EVERY_S: Final = 1.0
LATE_MAX: Final = 20_000
"""More are dropped: they explain, and nothing else needs them."""
_BATCH_MAX: Final = 500


class LateTrails:
    """The late trails of one worker. Its owner runs `parts`."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self.clock = clock
        self._waiting: dict[Key, tuple[datetime, str]] = {}

    def parts(self) -> list[Part]:
        return [periodic("late-trails", self.write_due, every_s=WRITE_EVERY_S, clock=self.clock)]

    def put(self, key: Key, trail: str, due_at: datetime) -> None:
        """Keeps a trail until its quote is there, which it is at `due_at`."""
        if len(self._waiting) < LATE_MAX:
            self._waiting[key] = due_at, trail

    def of(self, request_id: UUID, insurers: Mapping[str, object]) -> Mapping[str, str]:
        """The trails of this request that are not written yet, by insurer."""
        found = {id_: self._waiting.get((request_id, id_)) for id_ in insurers}
        return {id_: late[1] for id_, late in found.items() if late}

    async def write_due(self) -> None:
        """Writes what is due.

        Raises:
            Unavailable: PostgreSQL is not there; it is written later.
        """
        if not self._waiting:
            return
        now = self.clock.now()
        due = {key: late for key, late in self._waiting.items() if late[0] <= now}
        keys = iter(due)
        while batch := {key: due[key][1] for key in islice(keys, _BATCH_MAX)}:
            try:
                async with connected(self._pool) as connection:
                    await add_trails(connection, batch)
            except DataRefused:  # they explain, and nothing else needs them
                pass
            for key in batch:
                if self._waiting.get(key) is due[key]:
                    del self._waiting[key]
