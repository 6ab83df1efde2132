"""Makes an `Application` of what a caller sent, or names everything that is wrong with it, at once.

Input is a mapping with the names of the API's `ApplicationInput`, its scalars parsed or as JSON has them. How single values are
written is `app.domain.intake.formats`'s; people are read by `app.domain.intake.people`.
"""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from app.domain.application import (
    Application,
    Driver,
    Vehicle,
    VehicleCategory,
    VehicleDocument,
    VehicleDocumentKind,
    VehiclePurpose,
)
from app.domain.errors import InvalidApplication
from app.domain.intake import formats
from app.domain.intake.field_reader import Reader, between, same, text, until
from app.domain.intake.formats import Broken
from app.domain.intake.people import adult, born, driver, person

DRIVERS_MAX: Final = 50
START_DAYS_AHEAD: Final = (1, 60)
USAGE_MONTHS: Final = (3, 12)
YEAR_MIN: Final = 1900
ENGINE_POWER: Final = (Decimal(1), Decimal(1500))
MAX_MASS_KG: Final = (1, 200_000)
SEATS: Final = (1, 300)
ELECTRONIC_PASSPORTS_SINCE: Final = date(2018, 7, 1)

_USAGE_MONTHS: Final = between(*USAGE_MONTHS, "USAGE_MONTHS_OUT_OF_RANGE")
MAKE: Final = text(100, "MAKE_INVALID")
MODEL: Final = text(100, "MODEL_INVALID")
_MAX_MASS: Final = between(*MAX_MASS_KG, "MAX_MASS_OUT_OF_RANGE")
_SEATS: Final = between(*SEATS, "SEATS_OUT_OF_RANGE")
_DOCUMENT_NUMBERS: Final[Mapping[VehicleDocumentKind, formats.Parser]] = MappingProxyType(
    {
        VehicleDocumentKind.REGISTRATION_CERTIFICATE: formats.registration_certificate,
        VehicleDocumentKind.PASSPORT: formats.vehicle_passport,
        VehicleDocumentKind.ELECTRONIC_PASSPORT: formats.electronic_passport,
    }
)


def application_from(
    raw: Mapping[str, object],
    *,
    today: date,
    is_email: Callable[[str], bool],
    path: tuple[str, ...] = ("application",),
) -> Application:
    """The application; `InvalidApplication` with every problem if there is any. `today` is the date in Moscow."""
    reader = Reader(raw, path, [])
    application = _application(reader, today, is_email)
    if application is None or reader.problems:
        raise InvalidApplication(reader.problems)
    return application


def _application(reader: Reader, today: date, is_email: Callable[[str], bool]) -> Application | None:
    vehicle_reader = reader.inside("vehicle")
    category = vehicle_reader and vehicle_reader.optional("category", VehicleCategory, same, VehicleCategory.B)
    vehicle = vehicle_reader and _vehicle(vehicle_reader, category, today)
    policyholder_reader = reader.inside("policyholder")
    policyholder = policyholder_reader and person(policyholder_reader, adult(today), is_email, today)
    owner_reader = reader.inside("owner") if reader.has("owner") else None
    owner = person(owner_reader, born(today), is_email, today) if owner_reader else policyholder
    drivers_reader = reader.inside("drivers")
    drivers = drivers_reader and _drivers(drivers_reader, category, today)
    starts = reader.required("startsOn", date, starts_on(today))
    usage_months = reader.optional("usageMonths", int, _USAGE_MONTHS, USAGE_MONTHS[1])
    if vehicle is None or policyholder is None or owner is None or starts is None or usage_months is None:
        return None
    return Application(
        vehicle=vehicle,
        policyholder=policyholder,
        owner=owner,
        drivers=drivers,
        starts_on=starts,
        usage_months=usage_months,
    )


@lru_cache(maxsize=64)
def starts_on(today: date) -> Callable[[date], date]:
    """The rule of the day on which a policy starts."""
    soonest, latest = START_DAYS_AHEAD

    def rule(day: date) -> date:
        if soonest <= (day - today).days <= latest:
            return day
        raise Broken("STARTS_ON_OUT_OF_RANGE")

    return rule


def _vehicle(reader: Reader, category: VehicleCategory | None, today: date) -> Vehicle | None:
    make = reader.required("make", str, MAKE)
    model = reader.required("model", str, MODEL)
    year = reader.required("year", int, between(YEAR_MIN, today.year + 1, "YEAR_OUT_OF_RANGE"))
    power = reader.required("enginePower", Decimal, engine_power)
    purpose = reader.optional("purpose", VehiclePurpose, same, VehiclePurpose.PERSONAL)
    plate = formats.license_plate(category, purpose) if category and purpose else same
    license_plate = reader.optional("licensePlate", str, plate)
    vin, body_number, chassis_number = _numbers(reader)
    document_reader = reader.inside("document")
    document = document_reader and _document(document_reader, year, today)
    max_mass_kg, seats = _size(reader, category)
    with_trailer = reader.optional("withTrailer", bool, same, default=False)
    if not (category and make and model and year and power and document and purpose) or with_trailer is None:
        return None
    return Vehicle(
        category=category,
        make=make,
        model=model,
        year=year,
        engine_power=power,
        license_plate=license_plate,
        vin=vin,
        body_number=body_number,
        chassis_number=chassis_number,
        document=document,
        purpose=purpose,
        max_mass_kg=max_mass_kg,
        seats=seats,
        with_trailer=with_trailer,
    )


def engine_power(power: Decimal) -> Decimal:
    """The rule of horsepower."""
    least, most = ENGINE_POWER
    # Comparing a signalling NaN would raise: not a scalar of ours, but a parser's that is less strict.
    if power.is_finite() and least <= power <= most:
        return power
    raise Broken("ENGINE_POWER_OUT_OF_RANGE")


def _numbers(reader: Reader) -> tuple[str | None, str | None, str | None]:
    if not (reader.has("vin") or reader.has("bodyNumber") or reader.has("chassisNumber")):
        reader.refuse("VEHICLE_NUMBER_REQUIRED", "vin")
    return (
        reader.optional("vin", str, formats.vin),
        reader.optional("bodyNumber", str, formats.body_number),
        reader.optional("chassisNumber", str, formats.chassis_number),
    )


def _size(reader: Reader, category: VehicleCategory | None) -> tuple[int | None, int | None]:
    """Mass and seats: welcome for every vehicle, required where the tariff depends on them."""
    if category is VehicleCategory.C and not reader.has("maxMassKg"):
        reader.refuse("MAX_MASS_REQUIRED", "maxMassKg")
    if category is VehicleCategory.D and not reader.has("seats"):
        reader.refuse("SEATS_REQUIRED", "seats")
    return reader.optional("maxMassKg", int, _MAX_MASS), reader.optional("seats", int, _SEATS)


def _document(reader: Reader, year: int | None, today: date) -> VehicleDocument | None:
    kind = reader.required("kind", VehicleDocumentKind, same)
    number = reader.required("number", str, _DOCUMENT_NUMBERS[kind] if kind else same)
    issued_on = reader.required("issuedOn", date, until(today, "DOCUMENT_ISSUED_IN_FUTURE"))
    if not (kind and number and issued_on):
        return None
    if kind is VehicleDocumentKind.ELECTRONIC_PASSPORT and issued_on < ELECTRONIC_PASSPORTS_SINCE:
        reader.refuse("ELECTRONIC_PASSPORT_TOO_EARLY", "issuedOn")
    # A new vehicle may be of next year's making, yet no document is.
    elif year and issued_on.year < min(year, today.year):
        reader.refuse("DOCUMENT_OLDER_THAN_VEHICLE", "issuedOn")
    return VehicleDocument(kind=kind, number=number, issued_on=issued_on)


def _drivers(reader: Reader, category: VehicleCategory | None, today: date) -> tuple[Driver, ...] | None:
    """The listed drivers; None where anyone may drive, or where it is not said who."""
    listed, unlimited = reader.has("listed"), reader.has("unlimited")
    if listed and unlimited:
        reader.refuse("DRIVERS_AMBIGUOUS")
    elif not (listed or unlimited):
        reader.refuse("DRIVERS_REQUIRED")
    elif unlimited and reader.required("unlimited", bool, same) is False:
        reader.refuse("DRIVERS_REQUIRED", "unlimited")
    if not listed:
        return None
    licenses: set[str] = set()
    drivers = [driver(each, category, licenses, today) for each in reader.each("listed", _not_too_many)]
    return tuple(each for each in drivers if each)


def _not_too_many(drivers: list[object]) -> list[object]:
    if not drivers:
        raise Broken("DRIVERS_REQUIRED")
    if len(drivers) > DRIVERS_MAX:
        raise Broken("DRIVERS_TOO_MANY")
    return drivers
