"""Asking again about a dead letter keeps to what operators have ordered, as any job does."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from structlog.testing import capture_logs
from support.until import until
from support.world import World

from app.domain.operators.control import Order
from app.redis.dead_letters import DeadLetter
from app.redis.insurer_states import InsurerStates
from app.resources import Resources
from workers.poison_jobs.isolated_process import _end_of, places_in
from workers.poison_jobs.letter_retry import retry_letter
from workers.poison_jobs.retry_runner import KILLED, LetterRetryRunner
from workers.resilience.slot_reservations import PACE

ORDER = Order("anna", "its prices are wrong")


@pytest.fixture
async def resources(world: World) -> Resources:
    world.set(quote_deadline="6s", end_margin="1s")
    await world.insurers("sever")
    return await world.resources()


async def letter(world: World, resources: Resources) -> DeadLetter:
    """Of an open request that no worker asks about."""
    accepted = await world.accepted(await world.api())
    request_id = UUID(accepted["quoteRequest"]["id"])
    return DeadLetter("sever", request_id, 3, "killed", "", resources.clock.now())


async def test_a_paused_insurer_is_not_asked_about_a_dead_letter(world: World, resources: Resources) -> None:
    """The answer is that of every job, and it is settled."""
    given_up = await letter(world, resources)
    await resources.controls.pause("sever", ORDER)
    assert await retry_letter(resources, given_up) == "UNAVAILABLE INSURER_PAUSED (settled)"
    assert world.sandbox.seen_by("sever").creates == 0


async def test_a_held_insurer_is_asked_about_it_when_it_is_resumed(world: World, resources: Resources) -> None:
    """And, where it is not resumed in time, not at all."""
    given_up = await letter(world, resources)
    await resources.controls.pause("sever", ORDER, holds=True)
    with capture_logs() as logged:
        retrying = asyncio.create_task(retry_letter(resources, given_up))
        await until(lambda: [one for one in logged if one["event"] == "control.applied"])
    assert world.sandbox.seen_by("sever").creates == 0
    await resources.controls.resume("sever", ORDER)
    assert (await retrying).startswith("OFFERED ")
    await resources.controls.pause("sever", ORDER, holds=True)
    assert await retry_letter(resources, await letter(world, resources)) == "no answer in time"
    assert world.sandbox.seen_by("sever").creates == 1


async def test_an_ordered_limit_holds_for_a_dead_letter(world: World, resources: Resources) -> None:
    """Its slots are those of all workers: one in an hour leaves none in time; without the order the insurer is asked."""
    given_up = await letter(world, resources)
    control = await resources.controls.limit("sever", "1/h", ORDER)
    assert control
    # Slots lie on the clock's own hours: with the next one taken, the one that is left comes in an hour or later.
    states, interval_s = InsurerStates(resources.redis), 3600 / PACE
    await states.reserve("sever", "create", interval_s=interval_s, count=1, hold_s=0, version=control.version)
    assert not (await retry_letter(resources, given_up)).startswith("OFFERED ")
    assert world.sandbox.seen_by("sever").creates == 0
    await resources.controls.limit("sever", "file", ORDER)
    assert (await retry_letter(resources, await letter(world, resources))).startswith("OFFERED ")
    assert world.sandbox.seen_by("sever").creates == 1


async def test_a_circuit_that_is_forced_open_lets_no_dead_letter_through(world: World, resources: Resources) -> None:
    """As it lets no job through."""
    given_up = await letter(world, resources)
    await resources.controls.circuit("sever", "open", ORDER)
    assert await retry_letter(resources, given_up) == "UNAVAILABLE CIRCUIT_OPEN (settled)"
    assert world.sandbox.seen_by("sever").creates == 0


ANSWERED = "import sys; sys.stdout.write({printed!r})"


@pytest.mark.parametrize(
    ("printed", "answer"),
    [
        ("\nanswer: OFFERED 5000.00 RUB (settled)", "OFFERED 5000.00 RUB (settled)"),
        (
            "{'last_name': 'Иванов'}\nanswer: UNAVAILABLE INSURER_PAUSED (settled)",
            "UNAVAILABLE INSURER_PAUSED (settled)",
        ),
        ("{'last_name': 'Иванов'}", KILLED),
        ("", KILLED),
    ],
)
async def test_of_what_a_retry_prints_the_answer_alone_is_shown(
    resources: Resources, monkeypatch: pytest.MonkeyPatch, printed: str, answer: str
) -> None:
    """An adapter may print the application; the answer goes into the log and to operators."""
    start = asyncio.create_subprocess_exec

    async def printing(program: str, *_: str, **options: Any) -> Any:
        return await start(program, "-c", ANSWERED.format(printed=printed), **options)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", printing)
    assert await LetterRetryRunner(resources)._ask("1-1") == answer


def test_of_a_crash_the_places_alone_are_kept() -> None:
    """What a library writes beside them may hold an application; a flood of it is bounded."""
    said = [
        "terminate called: what(): cannot parse 'Иванов 4510123456'",
        "Fatal Python error: Segmentation fault",
        "",
        "Current thread 0x00007f1b2c3d4e5f (most recent call first):",
        '  File "/app/acme/adapter.py", line 17 in create',
        '  File "/app/acme/adapter.py", line 7, in <module>',
        "SystemExit: Иванов",
        "Extension modules: lxml.etree (total: 1)",
    ]
    kept = places_in("\n".join(said).encode() + b"\xff")
    assert kept.splitlines() == [said[1], said[3], said[4], said[5]]


async def test_a_flood_of_complaints_is_read_and_not_kept() -> None:
    """Its process would wait for ever if nobody read it; the end of it is where a crash is named."""
    stream = asyncio.StreamReader()
    stream.feed_data(b"x" * 5_000_000 + b"the end")
    stream.feed_eof()
    end = await _end_of(stream)
    assert (len(end), end[-7:]) == (64 * 1024, b"the end")
