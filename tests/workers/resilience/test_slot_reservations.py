"""Slots of a rate limit while Redis comes and goes: a worker keeps to its share of the grid, and loses none of it."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Final

import pytest
from support.clock import MovedClock
from support.world import World

from app.config.quantities import Rate
from app.redis.insurer_states import InsurerStates
from workers.resilience.slot_reservations import SWITCH_S, Peers, SlotGrid

WORKERS: Final = 3
RANK: Final = 1
_STEP_S: Final = 0.001


class OneWorker:
    """A worker of several that uses each slot it gets, on a clock that moves from slot to slot."""

    def __init__(self, states: InsurerStates) -> None:
        self.peers = Peers(is_redis_there=False, rank=RANK, count=WORKERS)
        self.clock = MovedClock()
        self.grid = SlotGrid("sever", "create", Rate(100, 1), states, self.peers, self.clock)

    async def use_for(self, seconds: float) -> list[int]:
        """The numbers, on the grid, of the slots that it uses in this time."""
        end, slots = self.clock.monotonic() + seconds, list[float]()
        while self.clock.monotonic() < end:
            await self.clock.advance(max(_STEP_S, await self.grid.next_in_s(1)))
            if (slot := self.grid.use()) is not None:
                slots.append(slot)
        return [round(slot / self.grid.interval_s) for slot in slots]

    def share(self, seconds: float) -> float:
        """How many slots are this worker's in this time."""
        return seconds / (WORKERS * self.grid.interval_s)


@pytest.fixture
async def worker(world: World) -> OneWorker:
    world.write_insurers("sever")
    return OneWorker(InsurerStates((await world.resources()).redis))


def is_its_share(numbers: Iterable[int]) -> bool:
    """Every n-th slot, and each of them."""
    numbers = list(numbers)
    steps = {later - earlier for earlier, later in pairwise(numbers)}
    return steps == {WORKERS} and numbers[0] % WORKERS == RANK


async def test_a_worker_whose_redis_leaves_again_while_it_returns_keeps_using_its_share(worker: OneWorker) -> None:
    """The moment of its return passes without Redis: the slots after it are used as those before."""
    alone = await worker.use_for(2 * SWITCH_S)
    worker.peers.is_redis_there = True
    returning = await worker.use_for(SWITCH_S / 2)
    worker.peers.is_redis_there = False
    alone_again = await worker.use_for(2 * SWITCH_S)
    assert len(alone_again) > 0.9 * worker.share(2 * SWITCH_S)
    assert is_its_share([*alone, *returning, *alone_again])


async def test_each_return_of_redis_is_waited_for_anew(worker: OneWorker) -> None:
    """The other workers notice the second return as late as the first: until then none takes more than its share."""
    used = await worker.use_for(2 * SWITCH_S)
    worker.peers.is_redis_there = True
    used += await worker.use_for(SWITCH_S / 2)
    worker.peers.is_redis_there = False
    used += await worker.use_for(SWITCH_S / 4)
    worker.peers.is_redis_there = True
    returning = await worker.use_for(SWITCH_S * 0.9)
    assert len(returning) > 0.8 * worker.share(SWITCH_S * 0.9)
    assert is_its_share([*used, *returning])
