"""What an application gets is drawn from the seed, the insurer and its content; and the draws are as they should be."""

from collections import Counter
from datetime import date
from statistics import median
from typing import Any, Final

import pytest
from msgspec.structs import replace as with_changes
from support.applications import an_application

from app.domain.application import Application, VehicleCategory
from app.domain.tariff.edition import Edition
from app.domain.tariff.edition_loader import load_editions
from sandbox.insurers.model.catalogue import INSURERS
from sandbox.insurers.model.outcome import Fate, Refusal, fate_of
from sandbox.insurers.model.pricing import Price, price
from sandbox.insurers.script.behaviours import Garbage, Hang, Status
from workers.insurer_calls.answer_fitting import path_into

TODAY: Final = date(2026, 5, 1)
APPLICATION: Final = an_application(TODAY)
SEVER: Final = INSURERS["sever"]
EDITION: Final = load_editions().on(TODAY)


def fates(count: int, application: Application = APPLICATION, **settings: Any) -> list[Fate]:
    """Of as many applications that have the same premium but not the same content."""
    chosen: dict[str, Any] = {"profile": SEVER, "edition": EDITION, "seed": 1, "calm": False, **settings}
    return [fate_of(application, str(n).encode(), **chosen) for n in range(count)]


def with_vehicle(**changes: Any) -> Application:
    return with_changes(APPLICATION, vehicle=with_changes(APPLICATION.vehicle, **changes))


def test_the_same_application_has_the_same_fate() -> None:
    """The outcome does not depend on the moment."""
    assert fates(200) == fates(200)


@pytest.mark.parametrize("other", [{"seed": 2}, {"profile": INSURERS["volga"]}])
def test_another_seed_and_another_insurer_draw_anew(other: dict[str, Any]) -> None:
    """No two applications share a latency by way of either."""
    latencies = {fate.latency_s for fate in fates(200)}
    assert latencies.isdisjoint(fate.latency_s for fate in fates(200, **other))


def test_the_shares_of_faults() -> None:
    """3 % 5xx, 2 % 429, 1 % hang, 1 % garbage; half of each on create, half on a poll."""
    total = 20_000
    faults = [fate.fault for fate in fates(total) if fate.fault]
    kinds = Counter(
        f"{fault.status // 100}xx" if isinstance(fault, Status) else type(fault).__name__ for fault in faults
    )
    expected = {"5xx": 0.03, "4xx": 0.02, Hang.__name__: 0.01, Garbage.__name__: 0.01}
    assert kinds.keys() == expected.keys()
    for kind, share in expected.items():
        assert kinds[kind] / total == pytest.approx(share, rel=0.2), kind
    assert {fault.status for fault in faults if isinstance(fault, Status)} == {429, 500, 503}
    assert sum(fault.step == "create" for fault in faults) / len(faults) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("insurer", INSURERS)
def test_the_share_of_refusals_and_the_latency(insurer: str) -> None:
    """Each insurer has a share and a latency of its own."""
    profile = INSURERS[insurer]
    drawn = fates(5_000, profile=profile)
    refusals = sum(isinstance(fate.answer, Refusal) for fate in drawn)
    assert refusals / len(drawn) == pytest.approx(profile.refusals, abs=0.015)
    assert median(fate.latency_s for fate in drawn) == pytest.approx(profile.latency_median_s, rel=0.06)


def test_calm_leaves_premiums_and_latencies_as_they_are() -> None:
    """It only takes away the faults and the refusals."""
    calm = fates(2_000, calm=True)
    assert all(isinstance(fate.answer, Price) and fate.fault is None for fate in calm)
    assert [fate.latency_s for fate in calm] == [fate.latency_s for fate in fates(2_000)]
    assert {fate.answer for fate in calm} >= {fate.answer for fate in fates(50) if isinstance(fate.answer, Price)}


def at(kladr: str, application: Application = APPLICATION) -> Application:
    """The same, its owner's address in another place."""
    return with_changes(
        application, owner=with_changes(application.owner, address=with_changes(application.owner.address, kladr=kladr))
    )


@pytest.mark.parametrize("category", VehicleCategory)
def test_every_category_has_a_price(category: VehicleCategory) -> None:
    """Motorcycles and tractors have one, too."""
    vehicle = with_vehicle(category=category, max_mass_kg=16_000, seats=22)
    assert all(isinstance(fate.answer, Price) for fate in fates(5, vehicle, calm=True))


def test_a_place_that_the_tariff_does_not_know_has_its_capital_s_factor_and_says_so() -> None:
    """A town of Tatarstan is priced as Kazan is, by every insurer; Kazan itself needs no assumption."""
    town, capital = (price(at(kladr), SEVER.rate_position, EDITION) for kladr in ("1600000200000", "1600000100000"))
    assert town is not None
    assert capital is not None
    assert (town.premium, town.coefficients) == (capital.premium, capital.coefficients)
    assert (town.is_territory_assumed, capital.is_territory_assumed) == (True, False)


@pytest.mark.parametrize("calm", [True, False])
@pytest.mark.parametrize(
    ("application", "edition"),
    [
        (APPLICATION, None),
        (at("9900000000000"), EDITION),
        (at("9300000100000", with_vehicle(category=VehicleCategory.TRACTOR)), EDITION),
    ],
)
def test_what_has_no_known_tariff_is_declined(application: Application, edition: Edition | None, *, calm: bool) -> None:
    """A day before the first edition, a region without a row, tractors where no row has their factor: always, with one code."""
    answers = [fate.answer for fate in fates(100, application, calm=calm, edition=edition)]
    assert {answer.code for answer in answers if isinstance(answer, Refusal)} == {"TARIFF_UNKNOWN"}
    assert all(isinstance(answer, Refusal) for answer in answers)


@pytest.mark.parametrize("application", [APPLICATION, with_vehicle(year=2001), with_changes(APPLICATION, drivers=None)])
def test_refusals_are_lawful_and_can_be_mended(application: Application) -> None:
    """Age, claims and region are no reasons: the contract is a public one. Each refusal names the field to mend."""
    refusals = [fate.answer for fate in fates(2_000, application) if isinstance(fate.answer, Refusal)]
    assert {refusal.code for refusal in refusals} == {"DATA_NOT_CONFIRMED", "DOCUMENTS_WANTED", "POLICY_EXISTS"}
    for refusal in refusals:
        (place,) = refusal.problems
        assert place.code == refusal.code
        assert len(path_into(application, place.path)) == len(place.path) + 1


def test_premiums_differ_by_base_rate_only() -> None:
    """The other factors are the same with every insurer, for any vehicle."""
    for application in (APPLICATION, with_vehicle(category=VehicleCategory.D, seats=40)):
        prices = [price(application, profile.rate_position, EDITION) for profile in INSURERS.values()]
        factors = {
            with_changes(each.coefficients, base_rate=APPLICATION.vehicle.engine_power) for each in prices if each
        }
        assert len(factors) == 1
        assert len({each.coefficients.base_rate for each in prices if each}) == 12


def test_a_licence_has_one_bonus_malus_class_everywhere() -> None:
    """The national system is the same for all, and unmoved by the seed."""
    found = {
        f.answer.coefficients.bonus_malus
        for s in range(5)
        for f in fates(5, seed=s, calm=True)
        if isinstance(f.answer, Price)
    }
    assert len(found) == 1
