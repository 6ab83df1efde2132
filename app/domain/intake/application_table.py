"""The application as a whole: its table for a day, and the rules between its vehicle, its people and its policy."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache, partial
from operator import attrgetter
from types import MappingProxyType
from typing import Final

from app.domain.age import has_turned
from app.domain.application import (
    Application,
    Consent,
    Driver,
    Organisation,
    Party,
    PolicyNumber,
    Vehicle,
    VehicleCategory,
)
from app.domain.intake.drivers_table import drivers_table
from app.domain.intake.field_table import BROKEN, Field, Found, ObjectTable, optional
from app.domain.intake.formats import Broken, finds
from app.domain.intake.party_table import IsEmail, adult, born, party, party_table
from app.domain.intake.rules import between, text
from app.domain.intake.spelling import register_numbers as registers
from app.domain.intake.vehicle_table import vehicle_table

START_DAYS_AHEAD: Final = (1, 60)
EXAMPLE_DAYS_AHEAD: Final = 10
USAGE_MONTHS: Final = (3, 12)
CONSENT_AGE_MAX: Final = timedelta(days=30)
CONSENT_VERSION_MAX: Final = 100
DRIVING_AGE_MIN: Final[Mapping[object, int]] = MappingProxyType(
    {
        VehicleCategory.A: 18,
        VehicleCategory.B: 18,
        VehicleCategory.C: 18,
        VehicleCategory.D: 21,
        VehicleCategory.TRAM: 21,
        VehicleCategory.TROLLEYBUS: 21,
        VehicleCategory.TRACTOR: 17,
    }
)
LIGHT_MOTORCYCLE: Final = (Decimal(15), 16)
"""Up to so many horsepower a motorcycle may be driven from this age."""
EXPERIENCE_AGE_MIN: Final = 17
EXPERIENCE_AGE_MIN_CATEGORY_A: Final = 16


@lru_cache(maxsize=16)
def application_table(today: date, is_email: IsEmail, *, requires_consent: bool = False) -> ObjectTable:
    """The table of an application that is sent on this day in Moscow."""
    fields = [
        Field("vehicle", vehicle_table(today)),
        Field("policyholder", party_table(adult(today), is_email, today), party),
        optional("owner", party_table(born(today), is_email, today), party, about="The policyholder if left out."),
        Field("drivers", drivers_table(today), attrgetter("listed")),
        Field(
            "starts_on",
            date,
            _starts_on(today),
            codes=("STARTS_ON_OUT_OF_RANGE", "STARTS_TOO_SOON"),
            example=(today + timedelta(days=EXAMPLE_DAYS_AHEAD)).isoformat(),
        ),
        optional(
            "usage_months",
            int,
            between(*USAGE_MONTHS, "USAGE_MONTHS_OUT_OF_RANGE"),
            default=USAGE_MONTHS[1],
            about="Months of use within the year of the policy, 3 to 12.",
            example=12,
        ),
        optional(
            "previous_policy",
            _PREVIOUS_POLICY,
            about="The policy that this one renews, or the last one of this vehicle.",
        ),
        optional(
            "consent",
            _consent_table(today),
            about="Required unless `OSAGO_REQUIRE_CONSENT` is off.",
            example={
                "textVersion": "2026-09-01",
                "givenAt": f"{today.isoformat()}T00:00:00+03:00",
                "othersInformed": True,
            },
        ),
    ]
    codes = ("DRIVER_TOO_YOUNG", "DRIVING_SINCE_TOO_EARLY", "REQUIRED", "CONSENT_OTHERS_NOT_INFORMED")
    checks = partial(_checks, today=today, requires_consent=requires_consent)
    return ObjectTable("ApplicationInput", _application, fields, checks, codes=codes)


_PREVIOUS_POLICY: Final = ObjectTable(
    "PolicyNumberInput",
    PolicyNumber,
    [
        Field("series", str, registers.policy_series, about="E.g. ХХХ.", example="ХХХ"),
        Field("number", str, registers.policy_digits, about="10 digits.", example="0123456789"),
    ],
)


def _consent_table(today: date) -> ObjectTable:
    fields = [
        Field(
            "text_version",
            str,
            text(CONSENT_VERSION_MAX, "CONSENT_VERSION_INVALID"),
            about='Names the text that was shown, e.g. "2026-09-01".',
            example="2026-09-01",
        ),
        Field("given_at", datetime, _given_at(today), example=f"{today.isoformat()}T00:00:00+03:00"),
        Field(
            "others_informed",
            bool,
            about="The drivers and the owner know that their data was given, and by whom.",
            example=True,
        ),
    ]
    return ObjectTable("ConsentInput", Consent, fields)


def _application(
    vehicle: Vehicle,
    policyholder: Party,
    owner: Party | None,
    drivers: tuple[Driver, ...] | None,
    starts_on: date,
    usage_months: int,
    previous_policy: PolicyNumber | None,
    consent: Consent | None,
) -> Application:
    owner = policyholder if owner is None else owner
    return Application(vehicle, policyholder, owner, drivers, starts_on, usage_months, previous_policy, consent)


def _starts_on(today: date) -> Callable[[date], date]:
    soonest, latest = START_DAYS_AHEAD

    @finds("STARTS_ON_OUT_OF_RANGE")
    def rule(day: date) -> date:
        if soonest <= (day - today).days <= latest:
            return day
        raise Broken("STARTS_ON_OUT_OF_RANGE")

    return rule


def _given_at(today: date) -> Callable[[datetime], datetime]:
    """By the calendar: neither long ago nor tomorrow. The rest of the day is held against the clock by `new_request`."""
    earliest, latest = today - CONSENT_AGE_MAX, today + timedelta(days=1)

    @finds("CONSENT_IN_FUTURE", "CONSENT_TOO_OLD")
    def rule(moment: datetime) -> datetime:
        day = moment.date()
        if day > latest:
            raise Broken("CONSENT_IN_FUTURE")
        if day < earliest:
            raise Broken("CONSENT_TOO_OLD")
        return moment

    return rule


def _checks(application: Application, *, today: date, requires_consent: bool) -> Found:
    yield from _driver_checks(application, today)
    holder = application.policyholder
    if holder and (holder.phone is None or holder.email is None):
        kind = "organisation" if isinstance(holder, Organisation) else "person"
        for attribute in ("phone", "email"):
            if getattr(holder, attribute) is None:
                yield ("policyholder", kind, attribute), "REQUIRED"
    consent = application.consent
    if consent is None:
        if requires_consent:
            yield ("consent",), "REQUIRED"
    elif consent and consent.others_informed is False and _has_others(application):
        yield ("consent", "othersInformed"), "CONSENT_OTHERS_NOT_INFORMED"


def _has_others(application: Application) -> bool:
    """Whether anybody but the policyholder is named: another owner, or a driver of another name."""
    holder = application.policyholder
    if isinstance(holder, Organisation) or not holder:
        return bool(application.drivers)
    if application.owner and application.owner != holder:
        return True
    return any(
        driver and (driver.last_name, driver.birth_date) != (holder.last_name, holder.birth_date)
        for driver in application.drivers or ()
    )


def _driver_checks(application: Application, today: date) -> Found:
    """How young a driver may be depends on the vehicle; where it is unknown the lowest age holds."""
    vehicle = application.vehicle
    youngest, from_age = _ages(vehicle) if vehicle else (LIGHT_MOTORCYCLE[1], EXPERIENCE_AGE_MIN_CATEGORY_A)
    for place, driver in enumerate(application.drivers or ()):
        if not driver or not driver.birth_date:
            continue
        if not has_turned(youngest, driver.birth_date, today):
            yield ("drivers", "listed", str(place), "birthDate"), "DRIVER_TOO_YOUNG"
        elif driver.driving_since and not has_turned(from_age, driver.birth_date, driver.driving_since):
            yield ("drivers", "listed", str(place), "drivingSince"), "DRIVING_SINCE_TOO_EARLY"


def _ages(vehicle: Vehicle) -> tuple[int, int]:
    """The least age of a driver of this vehicle, and the one at which experience can begin."""
    category = vehicle.category
    if category in (VehicleCategory.A, BROKEN):
        weak, age = LIGHT_MOTORCYCLE
        is_weak = category is BROKEN or not vehicle.engine_power or vehicle.engine_power <= weak
        return age if is_weak else DRIVING_AGE_MIN[category], EXPERIENCE_AGE_MIN_CATEGORY_A
    return DRIVING_AGE_MIN[category], EXPERIENCE_AGE_MIN
