"""What the tariff reads of an application: the owner's kind and place, the vehicle's use and registration, ages."""

from datetime import date, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from support.applications import an_application

from app.domain.application import Application, Organisation, VehicleCategory, VehiclePurpose
from app.domain.quote import Offer
from app.domain.tariff.edition_loader import load_editions
from app.domain.tariff.lawfulness import NOTHING_FOUND, examine
from app.domain.tariff.risk import OwnerKind, RatedDriver, VehicleUse
from app.domain.tariff.risk_of_application import risk_of
from sandbox.insurers.model.catalogue import INSURERS
from sandbox.insurers.model.pricing import price

DAY = date(2026, 11, 28)
APPLICATION = an_application(DAY)
EDITION = load_editions().on(DAY)


def with_vehicle(**changes: Any) -> Application:
    return replace(APPLICATION, vehicle=replace(APPLICATION.vehicle, **changes))


def of_an_organisation(application: Application) -> Application:
    address = replace(application.owner.address, kladr="1600000100000")
    owner = Organisation("ООО «Грузы»", "7707083893", None, "1027700132195", address, None, None)
    return replace(application, owner=owner)


def test_the_owner_decides_and_not_the_policyholder() -> None:
    """The owner decides on the kind, and on the place."""
    found = risk_of(of_an_organisation(APPLICATION))
    assert (found.owner, found.kladr) == (OwnerKind.ORGANISATION, "1600000100000")
    turned = replace(APPLICATION, policyholder=of_an_organisation(APPLICATION).owner)
    assert risk_of(turned).owner is OwnerKind.PERSON


@pytest.mark.parametrize(
    ("category", "purpose", "use"),
    [
        (VehicleCategory.B, VehiclePurpose.TAXI, VehicleUse.TAXI),
        (VehicleCategory.B, VehiclePurpose.REGULAR_ROUTES, VehicleUse.ANY),
        (VehicleCategory.D, VehiclePurpose.REGULAR_ROUTES, VehicleUse.REGULAR_ROUTES),
        (VehicleCategory.D, VehiclePurpose.TAXI, VehicleUse.ANY),
        (VehicleCategory.D, VehiclePurpose.CHARTERED_PASSENGERS, VehicleUse.ANY),
    ],
)
def test_a_use_counts_where_it_has_a_corridor(
    category: VehicleCategory, purpose: VehiclePurpose, use: VehicleUse
) -> None:
    """Taxis are cars, regular routes have buses."""
    assert risk_of(with_vehicle(category=category, purpose=purpose)).use is use


@pytest.mark.parametrize("changes", [{"registration_country": "KZ"}, {"is_in_transit": True}])
def test_a_vehicle_from_abroad_or_in_transit_has_no_price_here(changes: dict[str, Any]) -> None:
    """The factor of its term is not known: the sandbox declines, and an offer is not judged."""
    application = with_vehicle(**changes)
    assert price(application, INSURERS["sever"].rate_position, EDITION) is None
    usual = price(APPLICATION, INSURERS["sever"].rate_position, EDITION)
    assert usual is not None
    offer = Offer(number="1", premium=usual.premium)
    assert examine(offer, risk_of(application), EDITION) is NOTHING_FOUND


def test_ages_are_those_of_the_first_insured_day() -> None:
    """The application's, or the one that an insurer moves it to."""
    assert APPLICATION.drivers
    first = APPLICATION.drivers[0]
    birthday = APPLICATION.starts_on + timedelta(days=2)
    driver = replace(first, birth_date=birthday.replace(year=birthday.year - 30))
    application = replace(APPLICATION, drivers=(driver,))
    found = [risk_of(application, starts_on=day).drivers for day in (None, birthday)]
    experience = [drivers[0].experience for drivers in found if drivers]
    assert found == [(RatedDriver(29, experience[0]),), (RatedDriver(30, experience[1]),)]


def test_an_organisation_s_lorry_with_a_trailer_has_a_lawful_price() -> None:
    """КВС × 1.8 and КПр 1.25, from every insurer that takes lorries."""
    lorry = of_an_organisation(with_vehicle(category=VehicleCategory.C, max_mass_kg=26_000, with_trailer=True))
    for profile in INSURERS.values():
        found = price(lorry, profile.rate_position, EDITION)
        assert found is not None
        made = Offer(number="1", premium=found.premium, coefficients=found.coefficients)
        assert examine(made, risk_of(lorry), EDITION) is NOTHING_FOUND
        assert str(found.coefficients.trailer) == "1.25"
