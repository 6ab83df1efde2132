"""The self-clocking group commit: while one batch is under way, the next gathers. No timer, and no wait when idle.

Accepting, settling and publishing all go through it: one transaction or script for a hundred costs little more than
one for one.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from typing import Final, Generic, TypeAlias, TypeVar

from app.domain.errors import Overloaded
from app.runtime.cancellation import raise_if_cancelled
from app.runtime.commit_meter import CommitMeter
from app.runtime.fair_queue import FairQueue

Item = TypeVar("Item")
Result = TypeVar("Result")
_Entry: TypeAlias = tuple[Item, asyncio.Future[Result]]

BATCH_MAX: Final = 1000
WAITING_MAX: Final = 20_000


class DataRefused(Exception):
    """A `flush` raises it when the batch fails for the data of one of its items."""


class Gathered(Generic[Item]):
    """Ids that wait, and are taken together, each once however often it is added."""

    def __init__(self, *, gather_s: float = 0.0) -> None:
        self._gather_s = gather_s
        self._ids: set[Item] = set()
        self._filled = asyncio.Event()

    def add(self, ids: Iterable[Item]) -> None:
        self._ids.update(ids)
        if self._ids:
            self._filled.set()

    async def take(self) -> set[Item]:
        """Returns all of them, as soon as there are any."""
        await self._filled.wait()
        if self._gather_s:
            await asyncio.sleep(self._gather_s)
        self._filled.clear()
        ids, self._ids = self._ids, set()
        return ids


class GroupCommit(Generic[Item, Result]):
    """Gathers items and flushes them together, one batch at a time.

    `flush` takes a batch and returns one result per item, in order. If it raises DataRefused, the batch is bisected, so
    that a bad item fails alone; any other error is raised for every item of the batch.

    Items without a waiting caller may gather for `gather_s` even when idle, so that batches are few.
    Where one kind of items must not wait for a flood of another, `line_of` returns the kind: a batch takes of each in turn.
    With `wait_s_max` an item that has no result after so long gets TimeoutError. Items come in the order in which their
    time is up, so one timer serves them all: one of its own for each would cost as much as reading its JSON.
    With a `name` its sizes and times are in the metrics.
    """

    def __init__(
        self,
        flush: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
        *,
        name: str = "",
        batch_max: int = BATCH_MAX,
        waiting_max: int = WAITING_MAX,
        wait_s_max: float | None = None,
        gather_s: float = 0.0,
        line_of: Callable[[Item], Hashable] | None = None,
    ) -> None:
        self._flush = flush
        self._meter = CommitMeter(name) if name else None
        self._batch_max = batch_max
        self._waiting_max = waiting_max
        self._waiting: deque[_Entry[Item, Result]] | FairQueue[_Entry[Item, Result]] = deque()
        if line_of is not None:
            self._waiting = FairQueue(lambda entry: line_of(entry[0]))
        self._filled = asyncio.Event()
        self._wait_s_max = wait_s_max
        self._gather_s = gather_s
        self._limited: deque[tuple[float, asyncio.Future[Result]]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        """While `run` runs: looking it up is a system call in Python 3.11, for each item."""

    def __len__(self) -> int:
        return len(self._waiting)

    async def submit(self, item: Item) -> Result:
        """The result of this item, once its batch is through.

        Raises:
            Overloaded: too many are waiting already.
            TimeoutError: it took longer than `wait_s_max`.
        """
        return await self.put(item)

    def put(self, item: Item) -> asyncio.Future[Result]:
        """Like `submit`, for a caller that waits later or not at all."""
        if len(self._waiting) >= self._waiting_max:
            raise Overloaded("too much is waiting to be stored")
        loop = self._loop or asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        if self._meter and not self._waiting:
            self._meter.fill()
        self._waiting.append((item, future))
        if self._wait_s_max is not None:
            self._limited.append((loop.time() + self._wait_s_max, future))
            self._timer = self._timer or loop.call_later(self._wait_s_max, self._expire)
        self._filled.set()
        return future

    async def run(self) -> None:
        """Flushes for ever; a part of the process that owns the group commit."""
        self._loop = asyncio.get_running_loop()
        try:
            while True:
                raise_if_cancelled()
                await self._filled.wait()
                if self._gather_s:
                    await asyncio.sleep(self._gather_s)
                await self.run_once()
        finally:
            self._loop = None

    async def run_once(self) -> None:
        """Flushes what is waiting now, at most one batch."""
        count = min(len(self._waiting), self._batch_max)
        batch = [self._waiting.popleft() for _ in range(count)]
        if not self._waiting:
            self._filled.clear()
        began_s = self._meter.begin() if self._meter and count else 0.0
        # Items whose callers gave up waiting (a time-out) are left out.
        await self._settle([entry for entry in batch if not entry[1].done()])
        if self._meter and count:
            self._meter.end(began_s, count)
        while self._limited and self._limited[0][1].done():
            self._limited.popleft()

    def _expire(self) -> None:
        loop, limited = asyncio.get_running_loop(), self._limited
        while limited and (limited[0][1].done() or limited[0][0] <= loop.time()):
            _, future = limited.popleft()
            if not future.done():
                future.set_exception(TimeoutError())
                future.exception()  # as in `_fail`
        # A batch may be under way for long: items whose callers have left make room.
        while isinstance(self._waiting, deque) and self._waiting and self._waiting[0][1].done():
            self._waiting.popleft()
        self._timer = loop.call_at(limited[0][0], self._expire) if limited else None

    async def _settle(self, batch: Sequence[tuple[Item, asyncio.Future[Result]]]) -> None:
        if not batch:
            return
        try:
            # Strict in here: the caller of a missing result would wait for ever.
            results = list(zip(batch, await self._flush([item for item, _ in batch]), strict=True))
        except DataRefused as error:
            await self._bisect(batch, error)
        except Exception as error:  # noqa: BLE001 - it is raised again for every caller of this batch
            _fail(batch, error)
        except asyncio.CancelledError:
            for _, future in batch:
                future.cancel()
            raise
        else:
            for (_, future), result in results:
                if not future.done():
                    future.set_result(result)

    async def _bisect(self, batch: Sequence[tuple[Item, asyncio.Future[Result]]], error: DataRefused) -> None:
        if len(batch) == 1:
            _fail(batch, error)
            return
        middle = len(batch) // 2
        await self._settle(batch[:middle])
        await self._settle(batch[middle:])


def _fail(batch: Sequence[tuple[Item, asyncio.Future[Result]]], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
            future.exception()  # an error without a waiting caller is not logged by asyncio
