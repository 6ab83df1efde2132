"""`osago quote`: what it prints of requests, quotes and refusals."""

import json
from pathlib import Path

import pytest
from support.commands import ROOT
from support.processes import osago
from support.world import World

from cli.quote.quote_board import counted


@pytest.mark.processes
async def test_quote_shows_every_event_as_a_line_of_json(world: World) -> None:
    """For programs; and as plain lines where output is no terminal."""
    await world.insurers("sever", "volga")
    api = await world.api()
    await world.worker()
    arguments = ("quote", str(ROOT / "examples/application.json"), "--url", api.graphql, "--token", api.token)
    async with osago(world.folder, world.environment, *arguments, "--json") as process:
        assert await process.ended() == 0, process.text
    events = [json.loads(line) for line in process.text.splitlines()]
    assert [event["__typename"] for event in events] == [
        "QuoteRequestAccepted",
        "QuoteReceived",
        "QuoteReceived",
        "QuotesCompleted",
    ]
    async with osago(world.folder, world.environment, *arguments) as process:
        assert await process.ended() == 0, process.text
    assert process.text.count("OFFERED") == 2
    assert ": 2 страховые компании" in process.text.splitlines()[0]
    assert "лучшее предложение" in process.text.splitlines()[-1]
    async with osago(world.folder, world.environment, *arguments, "--insurers", "volga") as process:
        assert await process.ended() == 0, process.text
    assert ": 1 страховая компания" in process.text.splitlines()[0]
    assert ": предложение — " in process.text.splitlines()[-1]


@pytest.mark.parametrize(
    ("count", "text"),
    [(1, "1 слон"), (3, "3 слона"), (5, "5 слонов"), (12, "12 слонов"), (21, "21 слон"), (90, "90 слонов")],
)
def test_a_count_has_the_plural_of_russian(count: int, text: str) -> None:
    """Also the teens."""
    assert counted(count, "слон", "слона", "слонов") == text


@pytest.mark.processes
async def test_quote_names_the_insurer_that_is_unknown_and_where_the_known_ones_are(world: World) -> None:
    """The API repeats nothing that was sent; the command knows what it has sent."""
    world.write_insurers("sever")
    api = await world.api()
    arguments = ("quote", str(ROOT / "examples/application.json"), "--url", api.graphql, "--token", api.token)
    async with osago(world.folder, world.environment, *arguments, "--insurers", "sever,zzz") as process:
        assert await process.ended() == 1, process.text
    problem, hint = process.text.splitlines()
    assert problem.startswith("insurerIds.1 (zzz): Пожалуйста, выберите")
    assert "`osago insurers`" in hint


@pytest.mark.processes
async def test_quote_tells_what_is_wrong_with_an_application(world: World, tmp_path: Path) -> None:
    """Each problem with its path, and exit code 1."""
    world.write_insurers("sever")
    api = await world.api()
    application = world.new_request()["application"]
    application["vehicle"]["vin"] = "short"
    file = tmp_path / "application.json"
    file.write_text(json.dumps(application))
    async with osago(
        world.folder, world.environment, "quote", str(file), "--url", api.graphql, "--token", api.token
    ) as process:
        assert await process.ended() == 1
    assert process.text.startswith("application.vehicle.vin: ")
