"""How far a shard has got: what is delivered out of order counts once all before it is."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from bridge.bridge_rows import BridgePlace


@dataclass(eq=False, slots=True)
class _Step:
    place: BridgePlace | None
    is_done: bool = False


class ShardProgress:
    """Steps in the order in which they were begun. Those without a place only hold up the ones behind them."""

    def __init__(self, place: BridgePlace) -> None:
        self.place = place
        """All up to here is delivered."""
        self._steps: deque[_Step] = deque()

    def __len__(self) -> int:
        return len(self._steps)

    @property
    def oldest(self) -> str | None:
        """The entry at which the first step that is not done leads to a place; None: nothing is under way."""
        return next((step.place.cursor for step in self._steps if step.place), None)

    def begin(self, place: BridgePlace | None) -> Callable[[], None]:
        """A step that leads to this place once the returned function, and those of all steps before, were called."""
        step = _Step(place)
        self._steps.append(step)

        def done() -> None:
            step.is_done = True
            while self._steps and self._steps[0].is_done:
                if reached := self._steps.popleft().place:
                    self.place = reached

        return done
