"""JSON documents of applications, as PostgreSQL keeps them sealed. Each has the number of its form.

A document of the form before has no number: it is read as long as one may be stored. A release that meets a later form leaves
it to one that knows it.
"""

from datetime import date
from decimal import Decimal
from typing import Final

import msgspec

from app.domain.application import (
    Address,
    Application,
    Driver,
    DrivingLicense,
    IdentityDocument,
    IdentityDocumentKind,
    Person,
    Vehicle,
    VehicleCategory,
    VehicleDocument,
    VehiclePurpose,
)

FORM: Final = 2
"""The form that this release writes."""
_FORM_BEFORE: Final = 1
_RUSSIA: Final = "RU"


class UnknownForm(Exception):
    """A document of a later form than this release knows."""

    def __init__(self, form: int) -> None:
        super().__init__(f"an application of form {form}, and this release knows up to {FORM}")
        self.form = form


class _Document(msgspec.Struct, frozen=True):
    form: int
    application: Application


class _Head(msgspec.Struct, frozen=True):
    """The fields that every form has."""

    form: int = _FORM_BEFORE


class _VehicleBefore(msgspec.Struct, frozen=True):
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


class _AddressBefore(msgspec.Struct, frozen=True):
    kladr: str
    text: str


class _PersonBefore(msgspec.Struct, frozen=True):
    last_name: str
    first_name: str
    middle_name: str | None
    birth_date: date
    passport: str
    passport_issued_on: date | None
    address: _AddressBefore
    phone: str | None
    email: str | None


class _DriverBefore(msgspec.Struct, frozen=True):
    last_name: str
    first_name: str
    middle_name: str | None
    birth_date: date
    license: str
    driving_since: date


class _ApplicationBefore(msgspec.Struct, frozen=True):
    """Form 1, as it was written until the parties had documents of several kinds."""

    vehicle: _VehicleBefore
    policyholder: _PersonBefore
    owner: _PersonBefore
    drivers: tuple[_DriverBefore, ...] | None
    starts_on: date
    usage_months: int


_encoder: Final = msgspec.json.Encoder(decimal_format="string")
_decoder: Final = msgspec.json.Decoder(_Document)
_heads: Final = msgspec.json.Decoder(_Head)
_before: Final = msgspec.json.Decoder(_ApplicationBefore)


def encode_application(application: Application) -> bytes:
    return _encoder.encode(_Document(FORM, application))


def decode_application(document: bytes) -> Application:
    """The application, of this form or of the one before.

    Raises:
        UnknownForm: a later release wrote it.
    """
    form = _heads.decode(document).form
    if form == FORM:
        return _decoder.decode(document).application
    if form == _FORM_BEFORE:
        return _renewed(_before.decode(document))
    raise UnknownForm(form)


def _renewed(before: _ApplicationBefore) -> Application:
    """Fields that the form before lacks are not known."""
    policyholder = _person(before.policyholder)
    return Application(
        vehicle=_vehicle(before.vehicle),
        policyholder=policyholder,
        owner=policyholder if before.owner == before.policyholder else _person(before.owner),
        drivers=None if before.drivers is None else tuple(map(_driver, before.drivers)),
        starts_on=before.starts_on,
        usage_months=before.usage_months,
        previous_policy=None,
        consent=None,
    )


def _vehicle(before: _VehicleBefore) -> Vehicle:
    kept = msgspec.structs.asdict(before)
    return Vehicle(**kept, make_id=None, model_id=None, registration_country=_RUSSIA, is_in_transit=False)


def _person(before: _PersonBefore) -> Person:
    parts = dict.fromkeys(("fias_id", "postal_code", "region", "settlement", "street", "house", "flat"))
    return Person(
        last_name=before.last_name,
        first_name=before.first_name,
        middle_name=before.middle_name,
        birth_date=before.birth_date,
        sex=None,
        citizenship=_RUSSIA,
        document=IdentityDocument(
            kind=IdentityDocumentKind.RUSSIAN_PASSPORT,
            number=before.passport,
            issued_on=before.passport_issued_on,
            issued_by=None,
            division_code=None,
            country=_RUSSIA,
        ),
        address=Address(kladr=before.address.kladr, text=before.address.text, **parts),
        phone=before.phone,
        email=before.email,
    )


def _driver(before: _DriverBefore) -> Driver:
    return Driver(
        last_name=before.last_name,
        first_name=before.first_name,
        middle_name=before.middle_name,
        birth_date=before.birth_date,
        sex=None,
        license=DrivingLicense(number=before.license, issued_on=None, country=_RUSSIA),
        driving_since=before.driving_since,
        previous_license=None,
    )
