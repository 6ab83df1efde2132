"""JSON documents of applications, as PostgreSQL keeps them sealed."""

from datetime import date
from decimal import Decimal
from typing import Final

import msgspec

from app.domain import application as domain


class VehicleDocument(msgspec.Struct):
    """`app.domain.application.VehicleDocument`, quick to make. So are those that follow, in the same order of fields."""

    kind: domain.VehicleDocumentKind
    number: str
    issued_on: date


class Vehicle(msgspec.Struct):
    category: domain.VehicleCategory
    make: str
    model: str
    year: int
    engine_power: Decimal
    license_plate: str | None
    vin: str | None
    body_number: str | None
    chassis_number: str | None
    document: VehicleDocument
    purpose: domain.VehiclePurpose
    max_mass_kg: int | None
    seats: int | None
    with_trailer: bool


class Address(msgspec.Struct):
    kladr: str
    text: str


class Person(msgspec.Struct):
    last_name: str
    first_name: str
    middle_name: str | None
    birth_date: date
    passport: str
    passport_issued_on: date | None
    address: Address
    phone: str | None
    email: str | None


class Driver(msgspec.Struct):
    last_name: str
    first_name: str
    middle_name: str | None
    birth_date: date
    license: str
    driving_since: date


class Application(msgspec.Struct):
    vehicle: Vehicle
    policyholder: Person
    owner: Person
    drivers: tuple[Driver, ...] | None
    starts_on: date
    usage_months: int


_encoder: Final = msgspec.json.Encoder(decimal_format="string")
_decoder: Final = msgspec.json.Decoder(domain.Application)


def encode_application(application: domain.Application | Application) -> bytes:
    return _encoder.encode(application)


def decode_application(document: bytes) -> domain.Application:
    return _decoder.decode(document)
