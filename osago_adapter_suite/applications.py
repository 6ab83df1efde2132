"""Applications to ask with: of every kind of vehicle, drivers and owner that an insurer prices differently."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from msgspec.structs import replace

from osago_adapters import (
    Address,
    Application,
    Driver,
    DrivingLicense,
    IdentityDocument,
    IdentityDocumentKind,
    Organisation,
    Person,
    PolicyNumber,
    PreviousLicense,
    Sex,
    Vehicle,
    VehicleCategory,
    VehicleDocument,
    VehicleDocumentKind,
    VehiclePurpose,
)

_STARTS_ON: Final = datetime.now(UTC).date() + timedelta(days=30)
"""Far enough ahead for every insurer, in every time zone."""
_MOSCOW: Final = Address(
    kladr="7700000000000",
    text="г. Москва, ул. Лесная, д. 5 & корп. <1>",
    fias_id="0c5b2444-70a0-4932-980c-b4dc0d3f02b5",
    postal_code="127055",
    region="г Москва",
    settlement=None,
    street="ул Лесная",
    house="5 корп. <1>",
    flat=None,
)
_KAZAN: Final = replace(_MOSCOW, kladr="16000001000", text="г. Казань, ул. Баумана, д. 1", region=None, house="1")
_PERSON: Final = Person(
    last_name="Ёлкина-О'Хара",
    first_name="Анна",
    middle_name=None,
    birth_date=date(1985, 2, 28),
    sex=Sex.FEMALE,
    citizenship="RU",
    document=IdentityDocument(
        kind=IdentityDocumentKind.RUSSIAN_PASSPORT,
        number="4510123456",
        issued_on=date(2010, 5, 17),
        issued_by="ОВД «Хамовники» & Ко",
        division_code="770-001",
        country="RU",
    ),
    address=_MOSCOW,
    phone="+79161234567",
    email="anna@example.com",
)
_DRIVER: Final = Driver(
    last_name="Ёлкина-О'Хара",
    first_name="Анна",
    middle_name=None,
    birth_date=date(1985, 2, 28),
    sex=Sex.FEMALE,
    license=DrivingLicense(number="9901АВ123456", issued_on=date(2015, 6, 1), country="RU"),
    driving_since=date(2005, 6, 1),
    previous_license=None,
)
_CAR: Final = Vehicle(
    category=VehicleCategory.B,
    make="Škoda",
    model="Octavia <RS> & Co",
    make_id="skoda",
    model_id="skoda/octavia",
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
    registration_country="RU",
    is_in_transit=False,
)
_ORGANISATION: Final = Organisation(
    name="ООО «Ромашка» & <Ко>",
    inn="7701999009",
    kpp="770101001",
    ogrn="1197746999999",
    address=_MOSCOW,
    phone="+74950000000",
    email="info@example.com",
)
_FOREIGNER: Final = replace(
    _PERSON,
    last_name="Nguyễn",
    citizenship="VN",
    document=replace(
        _PERSON.document,
        kind=IdentityDocumentKind.FOREIGN_PASSPORT,
        number="B1234567",
        division_code=None,
        country="VN",
    ),
)
_CHILD: Final = replace(
    _PERSON,
    birth_date=date(2018, 3, 1),
    document=replace(_PERSON.document, kind=IdentityDocumentKind.BIRTH_CERTIFICATE, number="III-МЮ123456"),
    phone=None,
    email=None,
)
CAR: Final = Application(
    vehicle=_CAR,
    policyholder=_PERSON,
    owner=_PERSON,
    drivers=(_DRIVER,),
    starts_on=_STARTS_ON,
    usage_months=12,
    previous_policy=None,
    consent=None,
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
                replace(
                    _DRIVER,
                    license=replace(_DRIVER.license, number="7722123456"),
                    birth_date=date(2004, 1, 1),
                    driving_since=date(2024, 1, 1),
                ),
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
        "a driver with another licence": replace(
            CAR,
            drivers=(
                replace(_DRIVER, previous_license=PreviousLicense(number="77ОМ123456", last_name="Сидорова")),
                replace(_DRIVER, license=DrivingLicense(number="3ЕМ027123", issued_on=None, country="BY")),
            ),
            previous_policy=PolicyNumber(series="ХХХ", number="0123456789"),
        ),
        "a foreigner": replace(CAR, policyholder=_FOREIGNER, owner=_FOREIGNER),
        "a child's car": replace(CAR, owner=_CHILD),
        "an organisation's lorry": replace(
            CAR,
            vehicle=replace(_CAR, category=VehicleCategory.C, max_mass_kg=16_000, with_trailer=True),
            policyholder=_ORGANISATION,
            owner=_ORGANISATION,
            drivers=None,
        ),
        "a tram": replace(CAR, vehicle=replace(_CAR, category=VehicleCategory.TRAM)),
        "a trolleybus": replace(CAR, vehicle=replace(_CAR, category=VehicleCategory.TROLLEYBUS)),
    }
)
