"""The application (заявление): what an insurer needs to know about the vehicle and its people.

Values of these types are valid: the readers of `app.domain.intake` make them from what a caller sent, and the codec from what
PostgreSQL stored. All of it is personal, so that the repr of a value is its type alone: no log can hold it by accident.
"""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

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
    """The use of the vehicle."""

    PERSONAL = "PERSONAL"
    TAXI = "TAXI"
    RENTAL = "RENTAL"
    DRIVING_SCHOOL = "DRIVING_SCHOOL"
    REGULAR_ROUTES = "REGULAR_ROUTES"
    CHARTERED_PASSENGERS = "CHARTERED_PASSENGERS"
    DANGEROUS_GOODS = "DANGEROUS_GOODS"
    EMERGENCY_SERVICES = "EMERGENCY_SERVICES"
    OTHER = "OTHER"


class VehicleDocumentKind(StrEnum):
    """СТС, ПТС, ЭПТС, ПСМ and its certificate, and the paper of a vehicle that is registered abroad."""

    REGISTRATION_CERTIFICATE = "REGISTRATION_CERTIFICATE"
    PASSPORT = "PASSPORT"
    ELECTRONIC_PASSPORT = "ELECTRONIC_PASSPORT"
    SELF_PROPELLED_PASSPORT = "SELF_PROPELLED_PASSPORT"
    SELF_PROPELLED_CERTIFICATE = "SELF_PROPELLED_CERTIFICATE"
    FOREIGN = "FOREIGN"


class IdentityDocumentKind(StrEnum):
    """The kind of document that identifies a person."""

    RUSSIAN_PASSPORT = "RUSSIAN_PASSPORT"
    BIRTH_CERTIFICATE = "BIRTH_CERTIFICATE"
    FOREIGN_PASSPORT = "FOREIGN_PASSPORT"
    RESIDENCE_PERMIT = "RESIDENCE_PERMIT"
    TEMPORARY_RESIDENCE_PERMIT = "TEMPORARY_RESIDENCE_PERMIT"
    REFUGEE_CERTIFICATE = "REFUGEE_CERTIFICATE"


class Sex(StrEnum):
    """As the person's document has it."""

    FEMALE = "FEMALE"
    MALE = "MALE"


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
    """A vehicle with at least one of VIN, body number and chassis number. `engine_power` is in horsepower.

    `make_id` and `model_id` are ids of the caller's own dictionary.
    """

    category: VehicleCategory
    make: str
    model: str
    make_id: str | None
    model_id: str | None
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
    registration_country: str
    is_in_transit: bool


class Address(_Personal, frozen=True):
    """A registered address; the КЛАДР code sets the territory coefficient, `fias_id` is the federal register's id."""

    kladr: str
    text: str
    fias_id: str | None
    postal_code: str | None
    region: str | None
    settlement: str | None
    street: str | None
    house: str | None
    flat: str | None


class IdentityDocument(_Personal, frozen=True):
    """A document of a person; `number` is series and number without spaces, `country` the one that issued it."""

    kind: IdentityDocumentKind
    number: str
    issued_on: date | None
    issued_by: str | None
    division_code: str | None
    country: str


class Person(_Personal, frozen=True, tag_field="party", tag="person"):
    """A private person or a sole trader: the policyholder or the owner."""

    last_name: str
    first_name: str
    middle_name: str | None
    birth_date: date
    sex: Sex | None
    citizenship: str
    document: IdentityDocument
    address: Address
    phone: str | None
    email: str | None


class Organisation(_Personal, frozen=True, tag_field="party", tag="organisation"):
    """A legal entity: the policyholder or the owner."""

    name: str
    inn: str
    kpp: str | None
    ogrn: str
    address: Address
    phone: str | None
    email: str | None


Party: TypeAlias = Person | Organisation


class DrivingLicense(_Personal, frozen=True):
    """A driving licence; `issued_on` is its own day, the right to drive may be much older."""

    number: str
    issued_on: date | None
    country: str


class PreviousLicense(_Personal, frozen=True):
    """The licence, and the surname if that was another, under which the claims history is kept."""

    number: str
    last_name: str | None


class Driver(_Personal, frozen=True):
    """A person allowed to drive. `driving_since` is the day on which experience starts."""

    last_name: str
    first_name: str
    middle_name: str | None
    birth_date: date
    sex: Sex | None
    license: DrivingLicense
    driving_since: date
    previous_license: PreviousLicense | None


class PolicyNumber(_Personal, frozen=True):
    """A policy's three letters and ten digits."""

    series: str
    number: str


class Consent(_Personal, frozen=True):
    """The customer's consent: which text, when, and whether the others know. It goes to no insurer."""

    text_version: str
    given_at: datetime
    others_informed: bool


class Application(_Personal, frozen=True, weakref=True):
    """A valid application. `drivers` is None where anyone may drive."""

    vehicle: Vehicle
    policyholder: Party
    owner: Party
    drivers: tuple[Driver, ...] | None
    starts_on: date
    usage_months: int
    previous_policy: PolicyNumber | None
    consent: Consent | None
