"""The vehicle of an application and its document."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from typing import Final

from app.domain.application import Vehicle, VehicleCategory, VehicleDocument, VehicleDocumentKind, VehiclePurpose
from app.domain.intake import formats
from app.domain.intake.field_table import Field, Found, ObjectTable, optional
from app.domain.intake.formats import Broken, finds
from app.domain.intake.rules import between, text, until

YEAR_MIN: Final = 1900
ENGINE_POWER: Final = (Decimal(1), Decimal(1500))
MAX_MASS_KG: Final = (1, 200_000)
SEATS: Final = (1, 300)
ELECTRONIC_PASSPORTS_SINCE: Final = date(2018, 7, 1)
NUMBERS: Final = ("vin", "body_number", "chassis_number")
"""At least one of them is given."""

_DOCUMENT_NUMBERS: Final[Mapping[VehicleDocumentKind, formats.Parser]] = MappingProxyType(
    {
        VehicleDocumentKind.REGISTRATION_CERTIFICATE: formats.registration_certificate,
        VehicleDocumentKind.PASSPORT: formats.vehicle_passport,
        VehicleDocumentKind.ELECTRONIC_PASSPORT: formats.electronic_passport,
    }
)


def vehicle_table(today: date) -> ObjectTable:
    """The vehicle; years and days are held against `today` in Moscow."""
    fields = [
        optional("category", VehicleCategory, default=VehicleCategory.B, example="B"),
        Field("make", str, text(100, "MAKE_INVALID"), example="Lada"),
        Field("model", str, text(100, "MODEL_INVALID"), example="Vesta"),
        Field("year", int, between(YEAR_MIN, today.year + 1, "YEAR_OUT_OF_RANGE"), example=2021),
        Field("engine_power", Decimal, _engine_power, about="Horsepower.", example="122"),
        optional(
            "license_plate",
            str,
            formats.license_plate,
            given=("category", "purpose"),
            about="State registration plate, e.g. А123ВС77; left out while the vehicle has none.",
            example="К456МН799",
        ),
        optional(
            "vin",
            str,
            formats.vin,
            about="One of vin, bodyNumber, chassisNumber is required.",
            example="XTAGFL110MY654321",
        ),
        optional("body_number", str, formats.body_number),
        optional("chassis_number", str, formats.chassis_number),
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
    ]

    codes = ("VEHICLE_NUMBER_REQUIRED", "MAX_MASS_REQUIRED", "SEATS_REQUIRED", "DOCUMENT_OLDER_THAN_VEHICLE")
    return ObjectTable("VehicleInput", Vehicle, fields, partial(_vehicle_checks, today=today), codes=codes)


def _document_table(today: date) -> ObjectTable:
    fields = [
        Field("kind", VehicleDocumentKind, example="REGISTRATION_CERTIFICATE"),
        Field(
            "number",
            str,
            _DOCUMENT_NUMBERS.__getitem__,
            given=("kind",),
            codes=(
                "REGISTRATION_CERTIFICATE_INVALID",
                "VEHICLE_PASSPORT_INVALID",
                "ELECTRONIC_PASSPORT_INVALID",
                "TEXT_UNPRINTABLE",
            ),
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
    # Comparing a signalling NaN would raise: not a scalar of ours, but a parser's that is less strict.
    if power.is_finite() and weakest <= power <= strongest:
        return power
    raise Broken("ENGINE_POWER_OUT_OF_RANGE")


def _vehicle_checks(vehicle: Vehicle, *, today: date) -> Found:
    if vehicle.vin is None and all(getattr(vehicle, number) is None for number in NUMBERS):
        yield ("vin",), "VEHICLE_NUMBER_REQUIRED"
    # Mass and seats: welcome for every vehicle, required where the tariff depends on them.
    if vehicle.max_mass_kg is None and vehicle.category is VehicleCategory.C:
        yield ("maxMassKg",), "MAX_MASS_REQUIRED"
    if vehicle.seats is None and vehicle.category is VehicleCategory.D:
        yield ("seats",), "SEATS_REQUIRED"
    document = vehicle.document
    # A new vehicle may be of next year's making, yet no document is.
    if document and document.issued_on and vehicle.year and document.issued_on.year < min(vehicle.year, today.year):
        yield ("document", "issuedOn"), "DOCUMENT_OLDER_THAN_VEHICLE"


def _document_checks(document: VehicleDocument) -> Found:
    is_electronic = document.kind is VehicleDocumentKind.ELECTRONIC_PASSPORT
    if is_electronic and document.issued_on and document.issued_on < ELECTRONIC_PASSPORTS_SINCE:
        yield ("issuedOn",), "ELECTRONIC_PASSPORT_TOO_EARLY"
