"""The self-clocking group commit."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import pytest

from app.domain.errors import Overloaded
from app.runtime.group_commit import DataRefused, GroupCommit


class Store:
    """Keeps what it is given, one batch at a time, when it is let."""

    def __init__(self, *, refused: frozenset[int] = frozenset()) -> None:
        self.batches: list[list[int]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.refused = refused

    async def flush(self, batch: Sequence[int]) -> list[int]:
        await self.open.wait()
        self.batches.append(list(batch))
        if self.refused & set(batch):
            raise DataRefused
        return [item * 10 for item in batch]


@asynccontextmanager
async def running(commit: GroupCommit[int, int]) -> AsyncGenerator[None, None]:
    task = asyncio.create_task(commit.run())
    yield
    task.cancel()


async def test_a_flush_that_loses_a_result_leaves_no_caller_waiting() -> None:
    """Every item of the batch gets the error, and the next batch is flushed."""

    async def flush(batch: Sequence[int]) -> list[int]:
        return [] if 1 in batch else list(batch)

    commit: GroupCommit[int, int] = GroupCommit(flush)
    async with running(commit):
        lost = await asyncio.gather(commit.submit(1), commit.submit(2), return_exceptions=True)
        assert [type(one) for one in lost] == [ValueError, ValueError]
        assert await commit.submit(3) == 3


async def test_what_gave_up_behind_a_long_batch_makes_room() -> None:
    """A commit may wait for a standby for minutes: what came meanwhile, and left, is not kept until it is through."""
    store = Store()
    store.open.clear()
    commit: GroupCommit[int, int] = GroupCommit(store.flush, waiting_max=3, wait_s_max=0.01)
    async with running(commit):
        for number in range(10):
            with pytest.raises(TimeoutError):
                await commit.submit(number)
        assert len(commit) == 0
        store.open.set()


async def test_an_idle_commit_flushes_at_once() -> None:
    """A single item is flushed at once, alone."""
    store = Store()
    commit = GroupCommit(store.flush)
    async with running(commit):
        assert await commit.submit(1) == 10
    assert store.batches == [[1]]


async def test_what_comes_while_a_batch_is_under_way_goes_together() -> None:
    """The next batch gathers while one is being flushed, and each caller gets the result of its own item."""
    store = Store()
    commit = GroupCommit(store.flush)
    async with running(commit):
        store.open.clear()
        first = asyncio.create_task(commit.submit(0))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        others = [asyncio.create_task(commit.submit(item)) for item in range(1, 6)]
        await asyncio.sleep(0)
        store.open.set()
        assert await asyncio.gather(first, *others) == [0, 10, 20, 30, 40, 50]
    assert store.batches == [[0], [1, 2, 3, 4, 5]]


async def test_a_bad_item_fails_alone() -> None:
    """A batch that fails for its data is bisected down to the item at fault."""
    store = Store(refused=frozenset({3}))
    commit = GroupCommit(store.flush)
    futures = [commit.put(item) for item in range(8)]
    await commit.run_once()
    assert [future.result() for future in futures if futures.index(future) != 3] == [0, 10, 20, 40, 50, 60, 70]
    with pytest.raises(DataRefused):
        futures[3].result()


async def test_an_error_fails_the_whole_batch_and_the_next_batch_is_tried() -> None:
    """The outage fails the items that wait now, not those that come later."""

    async def flush(batch: Sequence[int]) -> list[int]:
        if 1 in batch:
            raise OSError("away")
        return list(batch)

    commit = GroupCommit(flush)
    futures = [commit.put(1), commit.put(2)]
    await commit.run_once()
    for future in futures:
        with pytest.raises(OSError, match="away"):
            future.result()
    later = commit.put(3)
    await commit.run_once()
    assert later.result() == 3


async def test_there_is_a_limit_to_what_waits() -> None:
    """An item that finds too many others waiting is refused at once."""
    commit = GroupCommit(Store().flush, waiting_max=2)
    commit.put(1)
    commit.put(2)
    with pytest.raises(Overloaded):
        commit.put(3)


async def test_a_batch_has_a_limit() -> None:
    """What is over it goes with the next one."""
    store = Store()
    commit = GroupCommit(store.flush, batch_max=2)
    for item in range(3):
        commit.put(item)
    await commit.run_once()
    await commit.run_once()
    assert store.batches == [[0, 1], [2]]


async def test_who_has_given_up_is_left_out() -> None:
    """The item of a caller that timed out before its batch began is not stored."""
    store = Store()
    commit = GroupCommit(store.flush)
    gone, kept = commit.put(1), commit.put(2)
    gone.cancel()
    await commit.run_once()
    assert store.batches == [[2]]
    assert kept.result() == 20


async def test_a_cancellation_that_a_library_swallows_ends_the_loop_all_the_same() -> None:
    """Before Python 3.12 `asyncio.wait_for` may lose one; a process that waits for this loop would never end."""
    begun = asyncio.Event()

    async def flush(batch: Sequence[int]) -> list[int]:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return list(batch)
        return []

    commit = GroupCommit(flush)
    task = asyncio.create_task(commit.run())
    commit.put(1)
    await begun.wait()
    task.cancel()
    await asyncio.wait([task], timeout=5)
    assert task.cancelled()


async def test_a_flood_of_one_kind_keeps_no_other_waiting() -> None:
    """A batch takes of each line in turn, the first of each first."""
    store = Store()
    commit = GroupCommit(store.flush, batch_max=4, line_of=lambda item: item % 2)
    results = [commit.put(item) for item in (1, 3, 5, 7, 9, 2, 4)]
    async with running(commit):
        assert await asyncio.gather(*results) == [10, 30, 50, 70, 90, 20, 40]
    assert store.batches == [[1, 2, 3, 4], [5, 7, 9]]
