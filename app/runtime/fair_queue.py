"""A queue of lines, one for each kind of items: the lines take turns, so that a long one keeps no other waiting."""

from collections import deque
from collections.abc import Callable, Hashable, Iterator
from itertools import chain
from typing import Generic, TypeVar

Item = TypeVar("Item")


class FairQueue(Generic[Item]):
    """In a line the first item to come goes first. `line_of` returns an item's line."""

    def __init__(self, line_of: Callable[[Item], Hashable]) -> None:
        self._line_of = line_of
        self._lines: dict[Hashable, deque[Item]] = {}
        """None is empty; the first one is next."""
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Item]:
        """Iterates line by line, and takes nothing."""
        return chain.from_iterable(self._lines.values())

    def append(self, item: Item) -> None:
        """Adds the item to the end of its line."""
        self._count += 1
        line = self._line_of(item)
        if line in self._lines:
            self._lines[line].append(item)
        else:
            self._lines[line] = deque((item,))

    def popleft(self) -> Item:
        """The first item of the next line.

        Raises:
            StopIteration: nothing waits.
        """
        line = next(iter(self._lines))
        waiting = self._lines.pop(line)
        item = waiting.popleft()
        if waiting:
            self._lines[line] = waiting
        self._count -= 1
        return item
