"""Reads an application off the wire, strictly enough to price it; what no price depends on is merely of its type.

Whether plates and passports are well formed is the aggregator's to know: an insurer of the sandbox takes its word.
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import Meta

from app.domain import application as domain
from app.domain.application import IdentityDocumentKind, Sex, VehicleCategory, VehicleDocumentKind, VehiclePurpose

Kind = TypeVar("Kind")

_Country = Annotated[str, Meta(pattern="^[A-Z]{2}$")]
_RUSSIA: Final = "RU"


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
    make_id: str | None = None
    model_id: str | None = None
    license_plate: str | None = None
    vin: str | None = None
    body_number: str | None = None
    chassis_number: str | None = None
    max_mass_kg: int | None = None
    seats: int | None = None
    with_trailer: bool = False
    registration_country: _Country = _RUSSIA
    is_in_transit: bool = False

    def __post_init__(self) -> None:
        if not self.engine_power.is_finite() or self.engine_power <= 0:
            raise ValueError("no engine has this power")


class _Address(msgspec.Struct, rename="camel"):
    kladr: Annotated[str, Meta(pattern="^[0-9]{11,19}$")]
    text: str
    fias_id: str | None = None
    postal_code: str | None = None
    region: str | None = None
    settlement: str | None = None
    street: str | None = None
    house: str | None = None
    flat: str | None = None


class _Identity(msgspec.Struct, rename="camel"):
    number: Annotated[str, Meta(min_length=1)]
    kind: IdentityDocumentKind = IdentityDocumentKind.RUSSIAN_PASSPORT
    issued_on: date | None = None
    issued_by: str | None = None
    division_code: str | None = None
    country: _Country = _RUSSIA


class _Person(msgspec.Struct, rename="camel"):
    last_name: str
    first_name: str
    birth_date: date
    document: _Identity
    address: _Address
    middle_name: str | None = None
    sex: Sex | None = None
    citizenship: _Country = _RUSSIA
    phone: str | None = None
    email: str | None = None


class _Organisation(msgspec.Struct, rename="camel"):
    name: str
    inn: Annotated[str, Meta(pattern="^[0-9]{10}$")]
    ogrn: Annotated[str, Meta(pattern="^[0-9]{13}$")]
    address: _Address
    kpp: str | None = None
    phone: str | None = None
    email: str | None = None


class _Party(msgspec.Struct, rename="camel"):
    person: _Person | None = None
    organisation: _Organisation | None = None

    def __post_init__(self) -> None:
        if (self.person is None) == (self.organisation is None):
            raise ValueError("a party is either a person or an organisation")


class _License(msgspec.Struct, rename="camel"):
    number: Annotated[str, Meta(min_length=1)]
    issued_on: date | None = None
    country: _Country = _RUSSIA


class _PreviousLicense(msgspec.Struct, rename="camel"):
    number: Annotated[str, Meta(min_length=1)]
    last_name: str | None = None


class _Driver(msgspec.Struct, rename="camel"):
    last_name: str
    first_name: str
    birth_date: date
    license: _License
    driving_since: date
    middle_name: str | None = None
    sex: Sex | None = None
    previous_license: _PreviousLicense | None = None

    def __post_init__(self) -> None:
        if self.driving_since < self.birth_date:
            raise ValueError("experience begins before birth")


class _Drivers(msgspec.Struct, rename="camel"):
    listed: Annotated[tuple[_Driver, ...], Meta(min_length=1, max_length=50)] | None = None
    unlimited: bool = False

    def __post_init__(self) -> None:
        if self.unlimited == (self.listed is not None):
            raise ValueError("drivers are either listed or unlimited")


class _Policy(msgspec.Struct, rename="camel"):
    series: str
    number: str


class _Application(msgspec.Struct, rename="camel"):
    vehicle: _Vehicle
    policyholder: _Party
    drivers: _Drivers
    starts_on: date
    owner: _Party | None = None
    usage_months: Annotated[int, Meta(ge=3, le=12)] = 12
    previous_policy: _Policy | None = None

    def __post_init__(self) -> None:
        if any(driver.driving_since > self.starts_on for driver in self.drivers.listed or ()):
            raise ValueError("a driver has no licence yet when the insurance starts")


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
    policyholder = _party(wire.policyholder)
    application = domain.Application(
        vehicle=_as(domain.Vehicle, wire.vehicle),
        policyholder=policyholder,
        owner=policyholder if wire.owner is None else _party(wire.owner),
        drivers=None if wire.drivers.listed is None else tuple(_as(domain.Driver, one) for one in wire.drivers.listed),
        starts_on=wire.starts_on,
        usage_months=wire.usage_months,
        previous_policy=wire.previous_policy and _as(domain.PolicyNumber, wire.previous_policy),
        consent=None,
    )
    return application, _encode(wire)


def _party(wire: _Party) -> domain.Party:
    return _as(domain.Person, wire.person) if wire.person else _as(domain.Organisation, wire.organisation)


def _as(kind: type[Kind], wire: object) -> Kind:
    return msgspec.convert(wire, kind, from_attributes=True)
