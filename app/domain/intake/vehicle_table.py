"""The vehicle of an application and its document."""

from datetime import date
from decimal import Decimal
from functools import partial
from typing import Final

from app.domain.application import Vehicle, VehicleCategory, VehicleDocument, VehicleDocumentKind, VehiclePurpose
from app.domain.intake.field_table import CountryCode, Field, Found, Identifier, ObjectTable, codes_of, optional
from app.domain.intake.formats import Broken, finds, or_none
from app.domain.intake.rules import between, text, until
from app.domain.intake.spelling import register_numbers as registers
from app.domain.intake.spelling.countries import RUSSIA, country
from app.domain.intake.spelling.document_numbers import OF_VEHICLES
from app.domain.intake.spelling.number_plates import license_plate

YEAR_MIN: Final = 1900
ENGINE_POWER: Final = (Decimal(1), Decimal(1500))
MAX_MASS_KG: Final = (1, 200_000)
SEATS: Final = (1, 300)
ELECTRONIC_PASSPORTS_SINCE: Final = date(2018, 7, 1)
NUMBERS: Final = ("vin", "body_number", "chassis_number")
"""At least one of them is given."""
MASS_OF_CAR_KG_MAX: Final = 3500
SEATS_OF_CAR_MAX: Final = 8
"""Beside the driver's, as in the driving licence: category B ends here, C and D begin above."""
DICTIONARY_ID_MAX: Final = 128
_OF_DICTIONARY: Final = or_none(text(DICTIONARY_ID_MAX, "DICTIONARY_ID_INVALID"))
_ABOUT_DICTIONARY: Final = "Ids in the caller's own dictionary of vehicles, passed on to adapters that map them."
_SIZED: Final = frozenset({VehicleCategory.C, VehicleCategory.D})
"""Categories of which mass or seats are required."""
_SELF_PROPELLED: Final = frozenset(
    {VehicleDocumentKind.SELF_PROPELLED_PASSPORT, VehicleDocumentKind.SELF_PROPELLED_CERTIFICATE}
)

_CODES: Final = (
    "VEHICLE_NUMBER_REQUIRED",
    "MAX_MASS_REQUIRED",
    "MAX_MASS_UNSUITED",
    "SEATS_REQUIRED",
    "SEATS_UNSUITED",
    "DOCUMENT_OLDER_THAN_VEHICLE",
    "DOCUMENT_KIND_UNSUITED",
    "LICENSE_PLATE_REQUIRED",
)


def vehicle_table(today: date) -> ObjectTable:
    """The vehicle; years and days are held against `today` in Moscow."""
    fields = [
        optional("category", VehicleCategory, default=VehicleCategory.B, example="B"),
        Field("make", str, text(100, "MAKE_INVALID"), example="Lada"),
        Field("model", str, text(100, "MODEL_INVALID"), example="Vesta"),
        optional("make_id", Identifier, _OF_DICTIONARY, about=_ABOUT_DICTIONARY),
        optional("model_id", Identifier, _OF_DICTIONARY),
        Field("year", int, between(YEAR_MIN, today.year + 1, "YEAR_OUT_OF_RANGE"), example=2021),
        Field("engine_power", Decimal, _engine_power, about="Horsepower.", example="122"),
        *_numbers(),
        Field("document", _document_table(today)),
        optional("purpose", VehiclePurpose, default=VehiclePurpose.PERSONAL, example="PERSONAL"),
        optional(
            "max_mass_kg",
            int,
            between(*MAX_MASS_KG, "MAX_MASS_OUT_OF_RANGE"),
            about="Permitted maximum mass, for category C.",
        ),
        optional("seats", int, between(*SEATS, "SEATS_OUT_OF_RANGE"), about="Passenger seats, for category D."),
        optional("with_trailer", bool, default=False),
        optional("registration_country", CountryCode, country, default=RUSSIA, example="RU"),
        optional("is_in_transit", bool, default=False, about="On its way to the place of its registration."),
    ]

    return ObjectTable("VehicleInput", Vehicle, fields, partial(_vehicle_checks, today=today), codes=_CODES)


def _numbers() -> list[Field]:
    """By which the vehicle is known."""
    return [
        optional(
            "license_plate",
            str,
            license_plate,
            given=("category", "purpose", "registration_country"),
            about="State registration plate, e.g. А123ВС77; left out while the vehicle has none.",
            example="К456МН799",
        ),
        optional(
            "vin",
            str,
            registers.vin,
            about="One of vin, bodyNumber, chassisNumber is required.",
            example="XTAGFL110MY654321",
        ),
        optional("body_number", str, registers.body_number),
        optional("chassis_number", str, registers.chassis_number),
    ]


def _document_table(today: date) -> ObjectTable:
    fields = [
        Field("kind", VehicleDocumentKind, example="REGISTRATION_CERTIFICATE"),
        Field(
            "number",
            str,
            OF_VEHICLES.__getitem__,
            given=("kind",),
            codes=tuple(dict.fromkeys(code for parse in OF_VEHICLES.values() for code in codes_of(parse))),
            about="Series and number without spaces; the 15 digits of an electronic passport.",
            example="9934567890",
        ),
        Field("issued_on", date, until(today, "DOCUMENT_ISSUED_IN_FUTURE"), example="2021-09-14"),
    ]
    codes = ("ELECTRONIC_PASSPORT_TOO_EARLY",)
    return ObjectTable("VehicleDocumentInput", VehicleDocument, fields, _document_checks, codes=codes)


@finds("ENGINE_POWER_OUT_OF_RANGE")
def _engine_power(power: Decimal) -> Decimal:
    weakest, strongest = ENGINE_POWER
    # Comparing a signalling NaN would raise: not one of the API's scalar, but of a less strict parser.
    if power.is_finite() and weakest <= power <= strongest:
        return power
    raise Broken("ENGINE_POWER_OUT_OF_RANGE")


def _vehicle_checks(vehicle: Vehicle, *, today: date) -> Found:
    if vehicle.vin is None and all(getattr(vehicle, number) is None for number in NUMBERS):
        yield ("vin",), "VEHICLE_NUMBER_REQUIRED"
    if vehicle.category in _SIZED or vehicle.max_mass_kg is not None or vehicle.seats is not None:
        yield from _size_checks(vehicle)
    document = vehicle.document
    if not document:
        return
    # A new vehicle may be of next year's making, yet no document is.
    if document.issued_on and vehicle.year and document.issued_on.year < min(vehicle.year, today.year):
        yield ("document", "issuedOn"), "DOCUMENT_OLDER_THAN_VEHICLE"
    if document.kind is VehicleDocumentKind.REGISTRATION_CERTIFICATE:
        if vehicle.license_plate is None:
            yield ("licensePlate",), "LICENSE_PLATE_REQUIRED"
    elif document.kind in _SELF_PROPELLED and vehicle.category and vehicle.category is not VehicleCategory.TRACTOR:
        yield ("document", "kind"), "DOCUMENT_KIND_UNSUITED"


def _size_checks(vehicle: Vehicle) -> Found:
    """Mass and seats: welcome for every vehicle, required where the tariff depends on them."""
    category, mass_kg, seats = vehicle.category, vehicle.max_mass_kg, vehicle.seats
    if mass_kg is None:
        if category is VehicleCategory.C:
            yield ("maxMassKg",), "MAX_MASS_REQUIRED"
    elif mass_kg and (
        (category is VehicleCategory.B and mass_kg > MASS_OF_CAR_KG_MAX)
        or (category is VehicleCategory.C and mass_kg <= MASS_OF_CAR_KG_MAX)
    ):
        yield ("maxMassKg",), "MAX_MASS_UNSUITED"
    if seats is None:
        if category is VehicleCategory.D:
            yield ("seats",), "SEATS_REQUIRED"
    elif seats and (
        (category is VehicleCategory.B and seats > SEATS_OF_CAR_MAX)
        or (category is VehicleCategory.D and seats <= SEATS_OF_CAR_MAX)
    ):
        yield ("seats",), "SEATS_UNSUITED"


def _document_checks(document: VehicleDocument) -> Found:
    is_electronic = document.kind is VehicleDocumentKind.ELECTRONIC_PASSPORT
    if is_electronic and document.issued_on and document.issued_on < ELECTRONIC_PASSPORTS_SINCE:
        yield ("issuedOn",), "ELECTRONIC_PASSPORT_TOO_EARLY"
