"""Applications to ask with: of every kind of vehicle, drivers and owner that an insurer prices differently."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from msgspec.structs import replace

from osago_adapters import (
    Address,
    Application,
    Driver,
    Person,
    Vehicle,
    VehicleCategory,
    VehicleDocument,
    VehicleDocumentKind,
    VehiclePurpose,
)

_MOSCOW: Final = Address(kladr="7700000000000", text="г. Москва, ул. Лесная, д. 5 & корп. <1>")
_KAZAN: Final = Address(kladr="16000001000", text="г. Казань")
_PERSON: Final = Person(
    last_name="Ёлкина-О'Хара",
    first_name="Анна",
    middle_name=None,
    birth_date=date(1985, 2, 28),
    passport="4510123456",
    passport_issued_on=date(2010, 5, 17),
    address=_MOSCOW,
    phone="+79161234567",
    email="anna@example.com",
)
_DRIVER: Final = Driver(
    last_name="Ёлкина-О'Хара",
    first_name="Анна",
    middle_name=None,
    birth_date=date(1985, 2, 28),
    license="9901АВ123456",
    driving_since=date(2005, 6, 1),
)
_CAR: Final = Vehicle(
    category=VehicleCategory.B,
    make="Škoda",
    model="Octavia <RS> & Co",
    year=2020,
    engine_power=Decimal("150.5"),
    license_plate="А123ВС77",
    vin="XW8ZZZ1KZ00000000",
    body_number=None,
    chassis_number=None,
    document=VehicleDocument(
        kind=VehicleDocumentKind.REGISTRATION_CERTIFICATE, number="9901АВ654321", issued_on=date(2020, 7, 1)
    ),
    purpose=VehiclePurpose.PERSONAL,
    max_mass_kg=None,
    seats=None,
    with_trailer=False,
)
CAR: Final = Application(
    vehicle=_CAR,
    policyholder=_PERSON,
    owner=_PERSON,
    drivers=(_DRIVER,),
    starts_on=date(2026, 12, 1),
    usage_months=12,
)
SECRETS: Final = ("4510123456", "Ёлкина", "9901АВ123456", "А123ВС77", "XW8ZZZ1KZ00000000", "79161234567", "anna@")
"""What must never stand in an address, where every log on the way would keep it."""

APPLICATIONS: Final[Mapping[str, Application]] = MappingProxyType(
    {
        "a car": CAR,
        "anybody drives": replace(CAR, drivers=None),
        "two drivers": replace(
            CAR,
            drivers=(
                _DRIVER,
                replace(_DRIVER, license="7722123456", birth_date=date(2004, 1, 1), driving_since=date(2024, 1, 1)),
            ),
        ),
        "half a year": replace(CAR, usage_months=6),
        "another owner": replace(CAR, owner=replace(_PERSON, last_name="Ким", address=_KAZAN, email=None)),
        "a taxi": replace(CAR, vehicle=replace(_CAR, purpose=VehiclePurpose.TAXI, license_plate=None)),
        "a lorry": replace(
            CAR, vehicle=replace(_CAR, category=VehicleCategory.C, max_mass_kg=20_000, with_trailer=True)
        ),
        "a bus": replace(
            CAR, vehicle=replace(_CAR, category=VehicleCategory.D, seats=40, vin=None, body_number="KB-7")
        ),
        "a tram": replace(CAR, vehicle=replace(_CAR, category=VehicleCategory.TRAM)),
        "a trolleybus": replace(CAR, vehicle=replace(_CAR, category=VehicleCategory.TROLLEYBUS)),
    }
)
