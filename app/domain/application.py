"""The application (заявление): what an insurer needs to know about the car and its people.

Values of these types are valid: the readers of `app.domain.intake.application_reader` make them from what a caller sent, and the codec from what
PostgreSQL stored. All of it is personal, so that the repr of a value is its type alone: no log can hold it by accident.
"""

from datetime import date
from decimal import Decimal
from enum import StrEnum

import msgspec


class VehicleCategory(StrEnum):
    """As in the driving licence, and the three that need none of it."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    TRACTOR = "TRACTOR"
    TRAM = "TRAM"
    TROLLEYBUS = "TROLLEYBUS"


class VehiclePurpose(StrEnum):
    """What the vehicle is used for."""

    PERSONAL = "PERSONAL"
    TAXI = "TAXI"
    RENTAL = "RENTAL"
    DRIVING_SCHOOL = "DRIVING_SCHOOL"
    OTHER = "OTHER"


class VehicleDocumentKind(StrEnum):
    """СТС, ПТС, ЭПТС."""

    REGISTRATION_CERTIFICATE = "REGISTRATION_CERTIFICATE"
    PASSPORT = "PASSPORT"
    ELECTRONIC_PASSPORT = "ELECTRONIC_PASSPORT"


class _Personal(msgspec.Struct, frozen=True):
    """A value that its repr does not show."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class VehicleDocument(_Personal, frozen=True):
    """A document of the vehicle; `number` is series and number without spaces, Cyrillic where letters stand."""

    kind: VehicleDocumentKind
    number: str
    issued_on: date


class Vehicle(_Personal, frozen=True):
    """A vehicle with at least one of VIN, body number and chassis number. `engine_power` is in horsepower."""

    category: VehicleCategory
    make: str
    model: str
    year: int
    engine_power: Decimal
    license_plate: str | None
    vin: str | None
    body_number: str | None
    chassis_number: str | None
    document: VehicleDocument
    purpose: VehiclePurpose
    max_mass_kg: int | None
    seats: int | None
    with_trailer: bool


class Address(_Personal, frozen=True):
    """A registered address; the КЛАДР code sets the territory coefficient."""

    kladr: str
    text: str


class Person(_Personal, frozen=True):
    """A private person: the policyholder or the owner."""

    last_name: str
    first_name: str
    middle_name: str | None
    birth_date: date
    passport: str
    passport_issued_on: date | None
    address: Address
    phone: str | None
    email: str | None


class Driver(_Personal, frozen=True):
    """A person allowed to drive. `driving_since` is the day on which experience starts."""

    last_name: str
    first_name: str
    middle_name: str | None
    birth_date: date
    license: str
    driving_since: date


class Application(_Personal, frozen=True, weakref=True):
    """A valid application. `drivers` is None where anyone may drive."""

    vehicle: Vehicle
    policyholder: Person
    owner: Person
    drivers: tuple[Driver, ...] | None
    starts_on: date
    usage_months: int
