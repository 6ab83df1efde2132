"""`osago quote`: what it prints of requests, quotes and refusals."""

import json
from pathlib import Path
from typing import Final

import pytest
from support.commands import ROOT
from support.processes import osago
from support.world import World

from app.domain.plurals import counted
from cli.quote.quote_words import answer_of, best_of, factors_of, mendable


@pytest.mark.processes
async def test_quote_shows_every_event_as_a_line_of_json(world: World) -> None:
    """Programs read them; without a terminal and `--json` the output is plain lines."""
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
    """The numbers from 11 to 14 have the plural, too."""
    assert counted(count, "слон", "слона", "слонов") == text


ROUBLES: Final = {"currency": "RUB"}
OFFER: Final = {
    "premium": {"amount": "8200.00", **ROUBLES},
    "total": {"amount": "9100.50", **ROUBLES},
    "extras": [
        {"code": "LIFE", "name": "Защита в дороге", "isMandatory": True, "price": {"amount": "900.50", **ROUBLES}},
        {"code": "TOW", "name": "Эвакуатор", "isMandatory": False, "price": {"amount": "500.00", **ROUBLES}},
    ],
    "startsOn": "2026-12-12",
    "coefficients": {
        "baseRate": "7575",
        "territory": "1.80",
        "bonusMalus": "1.17",
        "ageExperience": "0.93",
        "driverRestriction": "1",
        "power": "1.4",
        "season": "1",
        "trailer": "1.16",
        "drivers": [{"bonusMalus": "1.17", "ageExperience": "0.93"}],
    },
}


def test_quote_says_what_is_paid_and_what_is_unusual() -> None:
    """The total decides; mandatory extras are named, and a start that the insurer moves; factors with those of each driver."""
    slot = {"insurer": {"id": "volga", "name": "Волга"}, "offer": OFFER, "reason": None}
    cheaper = {**slot, "offer": {**OFFER, "total": {"amount": "9000.00", **ROUBLES}}}
    assert best_of([slot, cheaper, {**slot, "offer": None}]) is cheaper
    assert answer_of(slot) == ("9\u00a0100,50 ₽ (в цене обязательно: Защита в дороге 900,50 ₽; начало 12.12.2026)")
    assert factors_of(OFFER) == (
        "7575 × КТ 1,80 × КБМ 1,17 × КВС 0,93 × КО 1 × КМ 1,4 × КС 1 × КПр 1,16; водитель 1: КБМ 1,17, КВС 0,93"
    )


def test_quote_says_where_a_refusal_can_be_mended() -> None:
    """A line for each problem, with its path."""
    problem = {"path": ["application", "startsOn"], "code": "POLICY_EXISTS", "message": "Полис уже есть."}
    reason = {"code": "POLICY_EXISTS", "message": "Отказ.", "insurerCode": None, "problems": [problem]}
    slot = {"insurer": {"id": "volga", "name": "Волга"}, "offer": None, "reason": reason}
    assert answer_of(slot) == "Отказ."
    assert mendable(slot) == ["Волга: application.startsOn: Полис уже есть."]


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
async def test_quote_prints_the_problems_of_an_application(world: World, tmp_path: Path) -> None:
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
