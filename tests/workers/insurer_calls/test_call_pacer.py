"""The pace at which a worker begins calls to insurers."""

import asyncio

from workers.insurer_calls.call_pacer import BEGUN_MAX, CallPacer

CALLS = 10 * BEGUN_MAX


async def _turn() -> None:
    await asyncio.sleep(0)


async def test_who_comes_when_there_is_little_to_do_never_waits() -> None:
    """A few calls in one turn begin at once, without a step in between."""
    pace, begun = CallPacer(), 0
    for _ in range(BEGUN_MAX):
        await pace.wait("sever")
        begun += 1
    assert begun == BEGUN_MAX


async def test_many_calls_begin_a_few_in_each_turn_in_the_order_of_coming() -> None:
    """What else is due gets its turn in between, however many calls wait."""
    pace = CallPacer()
    begun: list[int] = []

    async def call(number: int) -> None:
        await pace.wait("sever")
        begun.append(number)

    calls = [asyncio.create_task(call(number)) for number in range(CALLS)]
    seen = 0
    while len(begun) < CALLS:
        await _turn()
        assert len(begun) - seen <= BEGUN_MAX
        seen = len(begun)
    assert begun == list(range(CALLS))
    await asyncio.gather(*calls)


async def test_a_flood_of_one_insurer_keeps_no_other_waiting() -> None:
    """The insurers take turns, so that a call of another insurer begins in the next turn."""
    pace = CallPacer()
    flood = [asyncio.create_task(pace.wait("volga")) for _ in range(CALLS)]
    await _turn()
    other = asyncio.create_task(pace.wait("sever"))
    while not other.done():
        await _turn()
    assert sum(task.done() for task in flood) <= 3 * BEGUN_MAX
    await asyncio.gather(*flood)


async def test_a_call_that_gave_up_waiting_takes_no_place() -> None:
    """A request that has ended meanwhile is passed over."""
    pace = CallPacer()
    calls = [asyncio.create_task(pace.wait("sever")) for _ in range(CALLS)]
    await _turn()
    for call in calls[:-1]:
        call.cancel()
    await calls[-1]
    assert calls[-1].done()


async def test_a_call_that_hangs_keeps_no_other_waiting() -> None:
    """The pacer limits how many calls begin at a time, not how many are under way."""
    pace = CallPacer()
    hanging: list[asyncio.Task[bool]] = []

    async def hang() -> bool:
        await pace.wait("sever")
        return await asyncio.Event().wait()

    hanging.extend(asyncio.create_task(hang()) for _ in range(CALLS))
    await asyncio.wait_for(pace.wait("sever"), 5)
    for task in hanging:
        task.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)
