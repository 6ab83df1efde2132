"""The application (заявление): what an insurer is told about the car and its people.

Values of these types are valid: `app.domain.intake.application_reader` is the one place that makes them from what a caller sent.
Whatever is personal has `repr=False`, so that it cannot reach a log by accident.
"""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum


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


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleDocument:
    """A document of the vehicle; `number` is series and number without spaces, Cyrillic where letters stand."""

    kind: VehicleDocumentKind
    number: str = field(repr=False)
    issued_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Vehicle:
    """A vehicle with at least one of VIN, body number and chassis number."""

    category: VehicleCategory
    make: str
    model: str
    year: int
    engine_power: Decimal
    """Horsepower."""
    license_plate: str | None = field(repr=False)
    vin: str | None = field(repr=False)
    body_number: str | None = field(repr=False)
    chassis_number: str | None = field(repr=False)
    document: VehicleDocument
    purpose: VehiclePurpose
    max_mass_kg: int | None
    seats: int | None
    with_trailer: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A registered address; the КЛАДР code sets the territory coefficient."""

    kladr: str = field(repr=False)
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A private person: the policyholder or the owner."""

    last_name: str = field(repr=False)
    first_name: str = field(repr=False)
    middle_name: str | None = field(repr=False)
    birth_date: date = field(repr=False)
    passport: str = field(repr=False)
    passport_issued_on: date | None = field(repr=False)
    address: Address = field(repr=False)
    phone: str | None = field(repr=False)
    email: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """Somebody allowed to drive. `driving_since` is the day on which experience starts."""

    last_name: str = field(repr=False)
    first_name: str = field(repr=False)
    middle_name: str | None = field(repr=False)
    birth_date: date = field(repr=False)
    license: str = field(repr=False)
    driving_since: date = field(repr=False)


@dataclass(frozen=True, slots=True, weakref_slot=True, kw_only=True)
class Application:
    """A valid application. `drivers` is None where anyone may drive."""

    vehicle: Vehicle
    policyholder: Person
    owner: Person
    drivers: tuple[Driver, ...] | None
    starts_on: date
    usage_months: int
