"""The risk of an application: the one place that knows both."""

from datetime import date
from typing import Final

from app.domain.age import full_years
from app.domain.application import Application, Driver, Organisation, VehicleCategory, VehiclePurpose
from app.domain.tariff.risk import OwnerKind, RatedDriver, Risk, VehicleUse

RUSSIA: Final = "RU"
"""ISO 3166-1 alpha-2."""


def risk_of(application: Application, *, starts_on: date | None = None) -> Risk:
    """The risk, with ages as on the first insured day: the application's own, or where an insurer moves it."""
    vehicle, first_day = application.vehicle, starts_on or application.starts_on
    drivers = application.drivers
    return Risk(
        category=vehicle.category,
        owner=OwnerKind.ORGANISATION if isinstance(application.owner, Organisation) else OwnerKind.PERSON,
        use=_use(vehicle.category, vehicle.purpose),
        power=vehicle.engine_power,
        max_mass_kg=vehicle.max_mass_kg,
        seats=vehicle.seats,
        has_trailer=vehicle.with_trailer,
        kladr=application.owner.address.kladr,
        is_abroad=vehicle.registration_country != RUSSIA,
        is_in_transit=vehicle.is_in_transit,
        months=application.usage_months,
        drivers=None if drivers is None else tuple(_driver(driver, first_day) for driver in drivers),
    )


def _driver(driver: Driver, first_day: date) -> RatedDriver:
    return RatedDriver(full_years(driver.birth_date, first_day), full_years(driver.driving_since, first_day))


def _use(category: VehicleCategory, purpose: VehiclePurpose) -> VehicleUse:
    if category is VehicleCategory.B and purpose is VehiclePurpose.TAXI:
        return VehicleUse.TAXI
    if category is VehicleCategory.D and purpose is VehiclePurpose.REGULAR_ROUTES:
        return VehicleUse.REGULAR_ROUTES
    return VehicleUse.ANY
