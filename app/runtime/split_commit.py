"""A group commit for each of several servers behind one name: an item does not wait for a frozen server of others."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Final, Generic

from app.runtime.group_commit import BATCH_MAX, GroupCommit, Item, Result
from app.runtime.supervision import Part


class SplitCommit(Generic[Item, Result]):
    """`number_of` returns which of the `count` commits takes an item; the rest is as for GroupCommit. Its owner runs `parts`."""

    def __init__(
        self,
        name: str,
        flush: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
        *,
        count: int,
        number_of: Callable[[Item], int],
        batch_max: int = BATCH_MAX,
        line_of: Callable[[Item], Hashable] | None = None,
    ) -> None:
        self._name: Final = name
        self._number_of = number_of
        self.commits: Final[Sequence[GroupCommit[Item, Result]]] = tuple(
            GroupCommit(flush, name=name, batch_max=batch_max, line_of=line_of) for _ in range(count)
        )

    def parts(self) -> list[Part]:
        """One part of the name where there is one commit, else `name:0`, `name:1` …"""
        if len(self.commits) == 1:
            return [Part(self._name, self.commits[0].run)]
        return [Part(f"{self._name}:{number}", one.run) for number, one in enumerate(self.commits)]

    def put(self, item: Item) -> asyncio.Future[Result]:
        """As `GroupCommit.put`."""
        return self.commits[self._number_of(item)].put(item)

    async def submit(self, item: Item) -> Result:
        """As `GroupCommit.submit`."""
        return await self.put(item)
