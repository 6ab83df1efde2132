"""Commands of operators: what they print, what they change, and what they leave alone without a yes."""

import asyncio
import getpass
import subprocess

from support.commands import typed, typed_one_by_one
from support.world import World

from app.domain.operators.control import AuditAction


async def test_an_operator_pauses_limits_and_lifts_from_a_terminal(world: World) -> None:
    """Each verb prints what holds now; the audit names the system's user where none is named."""
    world.write_insurers("sever", "volga")
    lines = (
        ("insurers pause sever --hold --for 10min --by anna --why", "sever: paused, its jobs wait, until 20"),
        ("insurers limit sever 5/s --polls --why", "sever: polls limited to 5/s, by "),
        ("insurers circuit volga open --why", "volga: circuit forced open, by "),
        ("insurers", "UNAVAILABLE, paused"),
        ("controls", "sever: paused, its jobs wait, until"),
        ("controls --json", '"kind":"pause","subject":"sever","setting":"hold","why":"a test","author":"anna"'),
        ("insurers resume sever --why", "sever: resumed"),
        ("insurers limit sever file --polls --why", "sever: the limit of the file again"),
        ("insurers circuit volga auto --why", "volga: the circuit is left to itself"),
        ("controls", "no control is in force"),
        ("controls audit --subject volga --most 1", "lifted     circuit      volga"),
        ("workers --json", "[]"),
    )
    cases = [(f"{line} a-test".split() if line.endswith("--why") else line.split(), {}) for line, _ in lines]
    cases = [([word.replace("a-test", "a test") for word in words], environment) for words, environment in cases]
    done = await asyncio.to_thread(typed_one_by_one, world, cases)
    for (line, expected), result in zip(lines, done, strict=True):
        assert (result.code, result.err) == (0, ""), (line, result)
        assert expected in result.out, (line, result)
    resources = await world.resources()
    authors = [entry.author for entry in await resources.controls.audit(most=6)]
    assert authors == [getpass.getuser()] * 5 + ["anna"]


def cancelling(world: World, answer: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return typed(world, "requests", "cancel", *arguments, "--why", "a test", entered=answer)


async def test_cancelling_in_bulk_asks_first(world: World) -> None:
    """Without a yes nothing happens; after one the subscribers get the end, as after the mutation."""
    world.write_insurers("sever")
    api = await world.api()
    accepted = [await world.accepted(api) for _ in range(2)]
    done = await asyncio.to_thread(cancelling, world, "n\n", "--insurer", "sever")
    assert (done.returncode, done.stdout) == (
        1,
        "Cancel 2 open requests that wait for sever? Their customers get no further offer. [y/N] nothing is cancelled\n",
    ), done
    one = accepted[0]["quoteRequest"]["id"]
    done = await asyncio.to_thread(cancelling, world, "y\n", one)
    assert done.stdout.endswith("cancelled 1, ended before 0, not there 0\n"), done
    quote, end = await world.watched(api, accepted[0])
    assert (quote["quote"]["status"], end["outcome"]) == ("CANCELLED", "CANCELLED")
    resources = await world.resources()
    (entry,) = await resources.controls.audit()
    assert (entry.action, [str(id_) for id_ in entry.request_ids]) == (AuditAction.CANCELLED, [one])
    assert entry.why == "a test"
