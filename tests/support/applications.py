"""A valid application to start from: a test changes the one thing that it is about."""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from app.domain.application import (
    Application,
    IdentityDocumentKind,
    Sex,
    VehicleCategory,
    VehicleDocumentKind,
    VehiclePurpose,
)
from app.domain.errors import InvalidApplication
from app.domain.intake.application_table import application_table
from app.domain.intake.careful_reader import read_carefully
from app.domain.intake.party_table import IsEmail

START_DAYS_AHEAD: Final = 10
ABSENT: Final = object()

Changes = Mapping[str, object]


def valid_application(today: date) -> dict[str, Any]:
    """What `application_from` takes: a car in Moscow, its owner's mother as policyholder, two drivers."""
    return {
        "vehicle": {
            "category": VehicleCategory.B,
            "make": "Lada",
            "model": "Vesta",
            "makeId": "lada",
            "modelId": "lada-vesta",
            "year": 2021,
            "enginePower": Decimal(122),
            "licensePlate": "К456МН799",
            "vin": "XTAGFL110MY654321",
            "bodyNumber": "XTAGFL110MY654321",
            "chassisNumber": None,
            "document": {
                "kind": VehicleDocumentKind.REGISTRATION_CERTIFICATE,
                "number": "9934567890",
                "issuedOn": date(2021, 9, 14),
            },
            "purpose": VehiclePurpose.PERSONAL,
            "maxMassKg": None,
            "seats": None,
            "withTrailer": False,
            "registrationCountry": "RU",
            "isInTransit": False,
        },
        "policyholder": {
            "person": {
                "lastName": "Кузнецова",
                "firstName": "Мария",
                "middleName": "Андреевна",
                "birthDate": date(1965, 3, 8),
                "sex": Sex.FEMALE,
                "citizenship": "RU",
                "document": {
                    "kind": IdentityDocumentKind.RUSSIAN_PASSPORT,
                    "number": "4511654321",
                    "issuedOn": date(2010, 4, 2),
                    "issuedBy": "ОВД района Марьино",
                    "divisionCode": "772-001",
                    "country": "RU",
                },
                "address": {
                    "kladr": "7700000000000",
                    "text": "г Москва, ул Лесная, д 7, кв 12",
                    "fiasId": "0c5b2444-70a0-4932-980c-b4dc0d3f02b5",
                    "postalCode": "127055",
                    "region": "г Москва",
                    "settlement": None,
                    "street": "ул Лесная",
                    "house": "7",
                    "flat": "12",
                },
                "phone": "+79031112233",
                "email": "kuznetsova@example.ru",
            }
        },
        "owner": {
            "person": {
                "lastName": "Кузнецов",
                "firstName": "Илья",
                "middleName": "Сергеевич",
                "birthDate": date(1990, 11, 23),
                "sex": None,
                "document": {"number": "4510987654", "issuedOn": date(2011, 1, 19)},
                "address": {"kladr": "7700000000000", "text": "г Москва, ул Лесная, д 7, кв 12"},
                "phone": None,
                "email": None,
            }
        },
        "drivers": {
            "listed": [
                {
                    "lastName": "Кузнецов",
                    "firstName": "Илья",
                    "middleName": "Сергеевич",
                    "birthDate": date(1990, 11, 23),
                    "sex": Sex.MALE,
                    "license": {"number": "9923456781", "issuedOn": date(2019, 6, 5), "country": "RU"},
                    "drivingSince": date(2009, 6, 5),
                },
                {
                    "lastName": "Кузнецова",
                    "firstName": "Мария",
                    "middleName": "Андреевна",
                    "birthDate": date(1965, 3, 8),
                    "license": {"number": "77АВ567812"},
                    "drivingSince": date(1994, 7, 30),
                    "previousLicense": {"number": "77ОМ123456", "lastName": "Сидорова"},
                },
            ]
        },
        "startsOn": today + timedelta(days=START_DAYS_AHEAD),
        "usageMonths": 12,
        "previousPolicy": {"series": "ХХХ", "number": "0987654321"},
        "consent": {"textVersion": "2026-09-01", "givenAt": f"{today.isoformat()}T00:00:00Z", "othersInformed": True},
    }


def application_from(raw: Mapping[str, object], *, today: date, is_email: IsEmail) -> Application:
    """The application; `InvalidApplication` with every problem if there is any. `today` is the date in Moscow."""
    read, problems = read_carefully(application_table(today, is_email), raw, ("application",))
    if problems:
        raise InvalidApplication(problems)
    return read


def an_application(today: date) -> Application:
    """The same, taken in."""
    return application_from(valid_application(today), today=today, is_email=looks_like_email)


def changed(today: date, changes: Changes) -> dict[str, Any]:
    """The valid application with other values at some dotted paths; `ABSENT` takes one away."""
    raw = valid_application(today)
    for path, value in changes.items():
        *keys, last = path.split(".")
        place: Any = raw
        for key in keys:
            place = place[int(key)] if key.isdigit() else place[key]
        if value is ABSENT:
            del place[last]
        else:
            place[int(last) if last.isdigit() else last] = value
    return raw


def looks_like_email(text: str) -> bool:
    """Good enough for tests; the real check is a library's, and belongs to the caller of the domain."""
    return re.fullmatch(r"[^@\s]+@[^@\s]+\.[a-z]+", text) is not None
