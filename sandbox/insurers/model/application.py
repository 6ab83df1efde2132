"""Reads an application off the wire, strictly enough to price it; what no price depends on is merely of its type.

Whether plates and passports are well formed is the aggregator's to know: an insurer of the sandbox takes its word.
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from app.domain import application as domain
from app.domain.application import VehicleCategory, VehicleDocumentKind, VehiclePurpose


class Unpriceable(ValueError):
    """No price can be made of this body; the text says where it is wrong."""


class _Document(msgspec.Struct, rename="camel"):
    kind: VehicleDocumentKind
    number: str
    issued_on: date


class _Vehicle(msgspec.Struct, rename="camel"):
    make: str
    model: str
    year: int
    engine_power: Decimal
    document: _Document
    category: VehicleCategory = VehicleCategory.B
    purpose: VehiclePurpose = VehiclePurpose.PERSONAL
    license_plate: str | None = None
    vin: str | None = None
    body_number: str | None = None
    chassis_number: str | None = None
    max_mass_kg: int | None = None
    seats: int | None = None
    with_trailer: bool = False

    def __post_init__(self) -> None:
        if not self.engine_power.is_finite() or self.engine_power <= 0:
            raise ValueError("no engine has this power")


class _Address(msgspec.Struct, rename="camel"):
    kladr: Annotated[str, Meta(pattern="^[0-9]{11,19}$")]
    text: str


class _Person(msgspec.Struct, rename="camel"):
    last_name: str
    first_name: str
    birth_date: date
    passport: str
    address: _Address
    middle_name: str | None = None
    passport_issued_on: date | None = None
    phone: str | None = None
    email: str | None = None


class _Driver(msgspec.Struct, rename="camel"):
    last_name: str
    first_name: str
    birth_date: date
    license: Annotated[str, Meta(min_length=1)]
    driving_since: date
    middle_name: str | None = None

    def __post_init__(self) -> None:
        if self.driving_since < self.birth_date:
            raise ValueError("experience begins before birth")


class _Drivers(msgspec.Struct, rename="camel"):
    listed: Annotated[tuple[_Driver, ...], Meta(min_length=1, max_length=50)] | None = None
    unlimited: bool = False

    def __post_init__(self) -> None:
        if self.unlimited == (self.listed is not None):
            raise ValueError("drivers are either listed or unlimited")


class _Application(msgspec.Struct, rename="camel"):
    vehicle: _Vehicle
    policyholder: _Person
    who_drives: _Drivers = msgspec.field(name="drivers")
    starts_on: date
    own_owner: _Person | None = msgspec.field(name="owner", default=None)
    usage_months: Annotated[int, Meta(ge=3, le=12)] = 12

    def __post_init__(self) -> None:
        if any(driver.driving_since > self.starts_on for driver in self.drivers or ()):
            raise ValueError("a driver has no licence yet when the insurance starts")

    @property
    def owner(self) -> _Person:
        return self.own_owner or self.policyholder

    @property
    def drivers(self) -> tuple[_Driver, ...] | None:
        return self.who_drives.listed


_decode: Final = msgspec.json.Decoder(_Application).decode
_encode: Final = msgspec.json.Encoder().encode


def read_application(body: bytes) -> tuple[domain.Application, bytes]:
    """The application, and its content: bytes that are the same for every way to write the same application.

    Raises:
        Unpriceable: it is not one.
    """
    try:
        wire = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unpriceable(str(error)) from None
    return _read(wire)


def from_fields(fields: object) -> tuple[domain.Application, bytes]:
    """The same from fields with texts as values, as XML has them.

    Raises:
        Unpriceable: it is none.
    """
    try:
        return _read(msgspec.convert(fields, _Application, strict=False))
    except msgspec.MsgspecError as error:
        raise Unpriceable(str(error)) from None


def _read(wire: _Application) -> tuple[domain.Application, bytes]:
    return msgspec.convert(wire, domain.Application, from_attributes=True), _encode(wire)
