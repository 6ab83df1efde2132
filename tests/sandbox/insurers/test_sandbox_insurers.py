"""The sandbox insurers over real HTTP: the `rest-poll` API, the premiums, and that nothing depends on chance."""

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final
from uuid import uuid4

import httpx
import msgspec
import pytest
from msgspec.structs import replace
from support.applications import an_application
from support.plain_http import plain_http

from app.domain.application import Application, Vehicle, VehicleCategory, VehiclePurpose
from app.server.serve import listen, serve_here
from sandbox.insurers.app import create_app
from sandbox.insurers.model.catalogue import INSURERS
from sandbox.insurers.model.handle import Sandbox
from sandbox.insurers.model.insurer_clock import Clock
from sandbox.insurers.model.outcome import fate_of
from sandbox.insurers.model.priced_application import read_application
from workers.adapters.rest_poll import as_wire

TODAY: Final = date(2026, 5, 1)
NOW: Final = datetime(2026, 5, 1, 12, tzinfo=UTC)
APPLICATION: Final = an_application(TODAY)


@dataclass(slots=True)
class Insurers:
    """The sandbox as a client meets it, and its handle."""

    http: httpx.AsyncClient
    sandbox: Sandbox

    async def create(self, insurer: str, key: str, application: Application = APPLICATION) -> httpx.Response:
        headers = {"Idempotency-Key": key, "Authorization": "Bearer any"}
        return await self.http.post(f"/{insurer}/applications", content=wire(application), headers=headers)

    async def created(self, insurer: str, key: str, application: Application = APPLICATION) -> str:
        """The path to poll."""
        response = await self.create(insurer, key, application)
        assert response.status_code == 202, response.text
        return f"/{insurer}/applications/{response.json()['applicationId']}"

    async def answer(self, insurer: str, key: str, application: Application = APPLICATION) -> Any:
        """The first answer to a poll."""
        return (await self.http.get(await self.created(insurer, key, application))).json()


HANGS_S = 4.0
"""A call without an answer for so long hangs; on a busy machine seventy-five at once take a second or two."""


@asynccontextmanager
async def serving(**settings: Any) -> AsyncGenerator[Insurers]:
    chosen: dict[str, Any] = {"time_scale": 0, "calm": True, **settings}
    app = create_app(**chosen)
    listening = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    patience = httpx.Timeout(60, read=HANGS_S)
    async with serve_here(app, listening), plain_http(base_url=url, timeout=patience) as http:
        yield Insurers(http, app.state.sandbox)


@pytest.fixture
async def insurers() -> AsyncGenerator[Insurers]:
    """Calm ones, that need no time."""
    async with serving() as at_hand:
        yield at_hand


def wire(application: Application) -> bytes:
    return msgspec.json.Encoder(decimal_format="string").encode(as_wire(application))


def with_vehicle(**changes: Any) -> Application:
    vehicle: Vehicle = replace(APPLICATION.vehicle, **changes)
    return replace(APPLICATION, vehicle=vehicle)


async def test_an_offer_has_everything_that_the_contract_names(insurers: Insurers) -> None:
    """Amounts and factors are texts; the link is the insurer's own."""
    answer = await insurers.answer("sever", "r1:sever")
    offer = answer["offer"]
    assert answer["status"] == "offered"
    assert re.fullmatch(r"[0-9]+\.[0-9]{2}", offer["premium"])
    assert offer["currency"] == "RUB"
    assert offer["purchaseUrl"] == f"https://sever.example/buy/{offer['number']}"
    drivers = offer["coefficients"].pop("drivers")
    factors = [offer["coefficients"], *drivers]
    assert all(isinstance(factor, str) for one in factors for factor in one.values())
    assert [set(driver) for driver in drivers] == [{"bonusMalus", "ageExperience"}] * 2
    assert set(offer["coefficients"]) - {"trailer"} == {
        "baseRate",
        "territory",
        "bonusMalus",
        "ageExperience",
        "driverRestriction",
        "power",
        "season",
    }


async def test_an_offer_holds_for_three_days() -> None:
    """`validUntil` has Moscow's offset."""
    async with serving(clock=Clock(now=lambda: NOW)) as insurers:
        offer = (await insurers.answer("sever", "k"))["offer"]
    assert offer["validUntil"] == "2026-05-04T15:00:00+03:00"
    assert datetime.fromisoformat(offer["validUntil"]) == NOW + timedelta(days=3)


# Base rates by hand: floor + position × (ceiling − floor), in whole roubles.
OF_CARS: Final = (8244, 7742, 8069, 8425, 7575, 7946, 8556, 8178, 7851, 8338, 8665, 7662)
OF_TAXIS: Final = (17142, 15979, 16737, 17563, 15591, 16451, 17866, 16990, 16232, 17361, 18119, 15793)
OF_LARGE_BUSES: Final = (9304, 8709, 9097, 9520, 8511, 8951, 9676, 9227, 8838, 9417, 9805, 8614)
CAR: Final = APPLICATION
TAXI: Final = replace(
    APPLICATION,
    vehicle=replace(APPLICATION.vehicle, purpose=VehiclePurpose.TAXI, engine_power=Decimal(90)),
    owner=replace(APPLICATION.owner, address=replace(APPLICATION.owner.address, kladr="1600000100000")),
    drivers=None,
    usage_months=6,
)
BUS: Final = with_vehicle(category=VehicleCategory.D, seats=20)
"""Of its two drivers Ilya decides: 35 years old, 16 of experience (0.93), class 3 (1.17)."""
FACTORS_OF_THE_CAR: Final = ("1.80", "1.17", "0.93", "1", "1.4", "1")
FACTORS_OF_THE_TAXI: Final = ("1.70", "1.17", "1", "3.16", "1.1", "0.7")
FACTORS_OF_THE_BUS: Final = ("1.80", "1.17", "0.93", "1", "1", "1")


@pytest.mark.parametrize(
    ("application", "base_rates", "factors"),
    [
        (CAR, OF_CARS, FACTORS_OF_THE_CAR),
        (TAXI, OF_TAXIS, FACTORS_OF_THE_TAXI),
        (BUS, OF_LARGE_BUSES, FACTORS_OF_THE_BUS),
    ],
    ids=["car", "taxi", "bus"],
)
async def test_premiums_are_those_of_the_tariff(
    insurers: Insurers, application: Application, base_rates: Sequence[int], factors: Sequence[str]
) -> None:
    """Base rate × territory × КБМ × КВС × КО × КМ × КС, half a kopeck up; twelve insurers, twelve premiums."""
    answers = [await insurers.answer(id_, f"r1:{id_}", application) for id_ in INSURERS]
    expected = [str(product(rate, factors)) for rate in base_rates]
    assert [answer["offer"]["premium"] for answer in answers] == expected
    assert len(set(expected)) == 12


def product(rate: int, factors: Sequence[str]) -> Decimal:
    premium = Decimal(rate)
    for factor in factors:
        premium *= Decimal(factor)
    return premium.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


async def test_an_edition_is_chosen_by_the_insurer_s_own_day() -> None:
    """Novosibirsk became cheaper on 22 June 2026, which begins at 21:00 UTC; before 9 December 2025 there is no tariff."""
    address = replace(APPLICATION.owner.address, kladr="5400000100000")
    application = replace(APPLICATION, owner=replace(APPLICATION.owner, address=address))
    now = [datetime(2026, 6, 21, 20, 59, tzinfo=UTC), datetime(2026, 6, 21, 21, 0, tzinfo=UTC)]
    now.append(datetime(2025, 12, 8, 12, tzinfo=UTC))
    async with serving(clock=Clock(now=lambda: now[0])) as insurers:
        found = [await insurers.answer("sever", "1", application)]
        for key in ("2", "3"):
            del now[0]
            found.append(await insurers.answer("sever", key, application))
    assert [answer["offer"]["coefficients"]["territory"] for answer in found[:2]] == ["3.12", "2.34"]
    assert found[2]["reason"]["code"] == "TARIFF_UNKNOWN"


@pytest.mark.parametrize("body", [b"{}", b"no json", b"\xff", b'{"vehicle": []}'])
async def test_what_cannot_be_priced_is_declined_at_once(insurers: Insurers, body: bytes) -> None:
    """The answer is 422, and no application is created."""
    response = await insurers.http.post("/sever/applications", content=body, headers={"Idempotency-Key": "k"})
    assert response.status_code == 422
    assert (response.json()["status"], response.json()["reason"]["code"]) == ("declined", "APPLICATION_INVALID")
    assert insurers.sandbox.seen_by("sever").applications == 0


async def test_an_application_is_in_processing_until_its_time_has_come() -> None:
    """Created + latency × time scale, on the monotonic clock."""
    passed_s = [1000.0]
    latency_s = fate_of(*read_application(wire(APPLICATION)), INSURERS["sever"], None, seed=1, calm=True).latency_s
    async with serving(time_scale=0.5, clock=Clock(monotonic=lambda: passed_s[0])) as insurers:
        path = await insurers.created("sever", "k")
        statuses: list[str] = []
        for share in (0.0, 0.499, 0.501):
            passed_s[0] = 1000.0 + latency_s * share
            statuses.append((await insurers.http.get(path)).json()["status"])
    assert statuses == ["processing", "processing", "offered"]


async def test_one_key_is_one_application(insurers: Insurers) -> None:
    """A repeated create returns the same id, also when the answer is ready."""
    first = await insurers.created("sever", "k")
    await insurers.http.get(first)
    assert [await insurers.created("sever", "k") for _ in range(3)] == [first] * 3
    assert await insurers.created("sever", "other") != first
    assert insurers.sandbox.seen_by("sever").applications == 2


async def test_one_key_at_once_is_one_application(insurers: Insurers) -> None:
    """Between the look for the key and its registration no other call runs."""
    paths = await asyncio.gather(*(insurers.created("sever", "k") for _ in range(20)))
    assert len(set(paths)) == 1
    assert insurers.sandbox.seen_by("sever").applications == 1
    seen = insurers.sandbox.seen("k")
    assert seen is not None
    assert (seen.creates, seen.application_ids) == (20, {"sever": paths[0].rsplit("/", 1)[1]})


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": ""}, {"Idempotency-Key": "k" * 256}])
async def test_no_application_without_a_key(insurers: Insurers, headers: dict[str, str]) -> None:
    """A create without an idempotency key is refused."""
    response = await insurers.http.post("/sever/applications", content=wire(APPLICATION), headers=headers)
    assert (response.status_code, response.json()) == (400, {"error": "IDEMPOTENCY_KEY_REQUIRED"})


async def test_an_application_has_a_largest_size(insurers: Insurers) -> None:
    """An insurer reads no more than that."""
    body = wire(APPLICATION) + b" " * 300_000
    response = await insurers.http.post("/sever/applications", content=body, headers={"Idempotency-Key": "k"})
    assert response.status_code == 413


async def test_what_is_not_there(insurers: Insurers) -> None:
    """404 for unknown insurers and applications, also for another insurer's application."""
    path = await insurers.created("sever", "k")
    for unknown in ("/sever/applications/none", path.replace("sever", "volga"), path.replace("sever", "unknown")):
        assert (await insurers.http.get(unknown)).status_code == 404, unknown
    assert (await insurers.create("unknown", "k")).status_code == 404
    assert (await insurers.http.get("/sever/applications")).status_code == 405


async def outcomes(seed: int, applications: Sequence[tuple[str, int]]) -> list[tuple[list[int | str], str]]:
    """The outcomes of numbered applications that are sent all at once, under keys of this run's own."""
    async with serving(seed=seed, calm=False) as insurers:
        return await asyncio.gather(
            *(
                history(insurers, insurer, f"{uuid4()}:{insurer}", with_vehicle(model=f"Vesta {number}"))
                for insurer, number in applications
            )
        )


async def history(insurers: Insurers, insurer: str, key: str, application: Application) -> tuple[list[int | str], str]:
    """How each call was answered, up to the premium or the code of the refusal."""
    statuses: list[int | str] = []
    path: str | None = None
    while True:
        try:
            call = insurers.create(insurer, key, application) if path is None else insurers.http.get(path)
            response = await call
            answer = response.json()
        except httpx.ReadTimeout:
            statuses.append("hang")
        except ValueError:
            statuses.append("garbage")
        else:
            statuses.append(response.status_code)
            if "applicationId" in answer:
                path = f"/{insurer}/applications/{answer['applicationId']}"
            elif "offer" in answer:
                return statuses, answer["offer"]["premium"]
            elif "reason" in answer:
                return statuses, answer["reason"]["code"]


async def test_the_same_seed_has_the_same_outcomes() -> None:
    """Outcomes and faults depend on seed, insurer and content: not on the key, nor on the order of calls."""
    applications = [(insurer, number) for insurer in ("sever", "altai", "ladoga") for number in range(25)]
    first = await outcomes(6, applications)
    assert await outcomes(6, applications[::-1]) == first[::-1]
    assert await outcomes(4, applications) != first
    assert {each for statuses, _ in first for each in statuses} == {200, 202, 429, 500, 503, "hang", "garbage"}


async def test_old_applications_are_forgotten() -> None:
    """There is a limit to what the insurers remember."""
    async with serving(applications_max=3) as insurers:
        paths = [await insurers.created("sever", f"k{number}") for number in range(5)]
        found = [(await insurers.http.get(path)).status_code for path in paths]
        assert found == [404, 404, 200, 200, 200]
        assert insurers.sandbox.seen("k0") is None
        assert insurers.sandbox.seen("k4") is not None


async def test_the_index_names_every_insurer(insurers: Insurers) -> None:
    """The index links to the insurers and to the control API's page."""
    index = (await insurers.http.get("/")).json()
    assert [each["id"] for each in index["insurers"]] == list(INSURERS)
    assert (await insurers.http.get(index["control"])).status_code == 200
    page = await insurers.http.get("/docs", follow_redirects=True)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
