"""The application as a whole: its table for a day, and the rules between its vehicle, its people and its policy."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import lru_cache, partial
from operator import attrgetter
from typing import Final

from app.domain.age import has_turned
from app.domain.application import Application, Driver, Person, Vehicle, VehicleCategory
from app.domain.intake.field_table import BROKEN, Field, Found, ObjectTable, optional
from app.domain.intake.formats import Broken, finds
from app.domain.intake.people_table import IsEmail, adult, born, drivers_table, person_table
from app.domain.intake.rules import between
from app.domain.intake.vehicle_table import vehicle_table

START_DAYS_AHEAD: Final = (1, 60)
EXAMPLE_DAYS_AHEAD: Final = 10
USAGE_MONTHS: Final = (3, 12)
DRIVING_AGE_MIN: Final = 17
DRIVING_AGE_MIN_CATEGORY_A: Final = 16


@lru_cache(maxsize=8)
def application_table(today: date, is_email: IsEmail) -> ObjectTable:
    """The table of an application that is sent on this day in Moscow."""
    fields = [
        Field("vehicle", vehicle_table(today)),
        Field("policyholder", person_table(adult(today), is_email, today)),
        optional("owner", person_table(born(today), is_email, today), about="The policyholder if left out."),
        Field("drivers", drivers_table(today), attrgetter("listed")),
        Field("starts_on", date, _starts_on(today), example=(today + timedelta(days=EXAMPLE_DAYS_AHEAD)).isoformat()),
        optional(
            "usage_months",
            int,
            between(*USAGE_MONTHS, "USAGE_MONTHS_OUT_OF_RANGE"),
            default=USAGE_MONTHS[1],
            about="Months of use within the year of the policy, 3 to 12.",
            example=12,
        ),
    ]

    codes = ("DRIVER_TOO_YOUNG", "DRIVING_SINCE_TOO_EARLY")
    return ObjectTable("ApplicationInput", _application, fields, partial(_driver_checks, today=today), codes=codes)


def _application(
    vehicle: Vehicle,
    policyholder: Person,
    owner: Person | None,
    drivers: tuple[Driver, ...] | None,
    starts_on: date,
    usage_months: int,
) -> Application:
    owner = policyholder if owner is None else owner
    return Application(vehicle, policyholder, owner, drivers, starts_on, usage_months)


def _starts_on(today: date) -> Callable[[date], date]:
    soonest, latest = START_DAYS_AHEAD

    @finds("STARTS_ON_OUT_OF_RANGE")
    def rule(day: date) -> date:
        if soonest <= (day - today).days <= latest:
            return day
        raise Broken("STARTS_ON_OUT_OF_RANGE")

    return rule


def _driver_checks(application: Application, *, today: date) -> Found:
    """How young a driver may be depends on the vehicle; a vehicle of unknown category counts as a motorcycle."""
    category = application.vehicle.category if application.vehicle else BROKEN
    youngest = DRIVING_AGE_MIN_CATEGORY_A if category in (VehicleCategory.A, BROKEN) else DRIVING_AGE_MIN
    for place, driver in enumerate(application.drivers or ()):
        if not driver or not driver.birth_date:
            continue
        if not has_turned(youngest, driver.birth_date, today):
            yield ("drivers", "listed", str(place), "birthDate"), "DRIVER_TOO_YOUNG"
        elif driver.driving_since and not has_turned(youngest, driver.birth_date, driver.driving_since):
            yield ("drivers", "listed", str(place), "drivingSince"), "DRIVING_SINCE_TOO_EARLY"
