"""Every problem that a caller's input may have: the stable code, what is wrong, and the message in Russian for the customer.

A message says what to mend and shows the right form. It never holds what was sent.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from app.domain.errors import Problem

_ANY_FIELD: Final = {
    "REQUIRED": (
        "the field is missing or empty",
        "Пожалуйста, заполните это поле.",
    ),
    "TYPE_INVALID": (
        "a value of another kind is expected",
        "Пожалуйста, проверьте это поле: здесь ожидается значение другого вида.",
    ),
    "TEXT_UNPRINTABLE": (
        "the text has invisible characters",
        "Пожалуйста, введите текст заново: в нём есть невидимые символы.",
    ),
    "DATE_INVALID": (
        "not a date as YYYY-MM-DD",
        "Пожалуйста, укажите дату в виде ГГГГ-ММ-ДД, например 2024-05-31.",
    ),
    "DECIMAL_INVALID": (
        "not a decimal number in digits",
        "Пожалуйста, укажите число цифрами, дробную часть отделите точкой, например 110.5.",
    ),
}
_VEHICLE: Final = {
    "MAKE_INVALID": (
        "make: 1–100 characters",
        "Пожалуйста, укажите марку: от 1 до 100 символов, например Lada.",
    ),
    "MODEL_INVALID": (
        "model: 1–100 characters",
        "Пожалуйста, укажите модель: от 1 до 100 символов, например Vesta.",
    ),
    "YEAR_OUT_OF_RANGE": (
        "year: from 1900 to next year",
        "Пожалуйста, проверьте год выпуска: четыре цифры, не раньше 1900 и не позже следующего года.",
    ),
    "ENGINE_POWER_OUT_OF_RANGE": (
        "engine power: 1–1500 horsepower",
        "Пожалуйста, проверьте мощность двигателя: от 1 до 1500 лошадиных сил, например 110.5.",
    ),
    "LICENSE_PLATE_INVALID": (
        "not a Russian plate of this category",
        (
            "Пожалуйста, проверьте государственный номер и категорию: у легкового автомобиля он "
            "выглядит как А123ВС77, у такси ещё и как АА12377, у мотоцикла и трактора — как 1234АА77."
        ),
    ),
    "VIN_INVALID": (
        "VIN: 17 Latin letters and digits without I, O, Q",
        "Пожалуйста, проверьте VIN: 17 латинских букв и цифр без I, O и Q, например XTA210990Y2766389.",
    ),
    "BODY_NUMBER_INVALID": (
        "body number: 3–30 letters and digits",
        (
            "Пожалуйста, проверьте номер кузова: от 3 до 30 букв и цифр, например AE100-1234567. "
            "Если его нет, оставьте поле пустым."
        ),
    ),
    "CHASSIS_NUMBER_INVALID": (
        "chassis number: 3–30 letters and digits",
        (
            "Пожалуйста, проверьте номер шасси: от 3 до 30 букв и цифр, например 4310-0012345. "
            "Если его нет, оставьте поле пустым."
        ),
    ),
    "VEHICLE_NUMBER_REQUIRED": (
        "one of VIN, body number and chassis number is needed",
        "Пожалуйста, укажите VIN, номер кузова или номер шасси: нужен хотя бы один из них.",
    ),
    "MAX_MASS_REQUIRED": (
        "category C needs its permitted maximum mass",
        (
            "Пожалуйста, укажите разрешённую максимальную массу в килограммах, например 12000: "
            "для категории C без неё не рассчитать цену."
        ),
    ),
    "MAX_MASS_OUT_OF_RANGE": (
        "permitted maximum mass: 1–200,000 kg",
        "Пожалуйста, проверьте разрешённую максимальную массу: от 1 до 200000 килограммов.",
    ),
    "SEATS_REQUIRED": (
        "category D needs its passenger seats",
        "Пожалуйста, укажите число пассажирских мест, например 22: для категории D без него не рассчитать цену.",
    ),
    "SEATS_OUT_OF_RANGE": (
        "passenger seats: 1–300",
        "Пожалуйста, проверьте число пассажирских мест: от 1 до 300.",
    ),
}
_DOCUMENT: Final = {
    "REGISTRATION_CERTIFICATE_INVALID": (
        "registration certificate: 10 characters",
        "Пожалуйста, проверьте серию и номер СТС: 10 знаков, например 7712345678 или 77УА345678.",
    ),
    "VEHICLE_PASSPORT_INVALID": (
        "vehicle passport: two digits, two Russian letters, six digits",
        "Пожалуйста, проверьте серию и номер ПТС: две цифры, две русские буквы и шесть цифр, например 77МА345678.",
    ),
    "ELECTRONIC_PASSPORT_INVALID": (
        "electronic vehicle passport: 15 digits",
        "Пожалуйста, проверьте номер электронного ПТС: 15 цифр, например 164301012345678.",
    ),
    "DOCUMENT_ISSUED_IN_FUTURE": (
        "the document's date is still to come",
        "Пожалуйста, проверьте дату выдачи документа: она ещё не наступила.",
    ),
    "DOCUMENT_OLDER_THAN_VEHICLE": (
        "the document is older than the vehicle",
        (
            "Пожалуйста, проверьте дату выдачи документа и год выпуска: документ не может быть "
            "выдан раньше, чем выпущен автомобиль."
        ),
    ),
    "ELECTRONIC_PASSPORT_TOO_EARLY": (
        "there were no electronic passports before 2018-07-01",
        "Пожалуйста, проверьте дату выдачи: электронные ПТС выдают с 1 июля 2018 года.",
    ),
}
_PERSON: Final = {
    "NAME_INVALID": (
        "name: 1–50 Russian or Latin letters, with hyphen, apostrophe, space",
        (
            "Пожалуйста, проверьте это поле: от 1 до 50 русских или латинских букв, между ними допустимы "
            "дефис, апостроф и пробел, например Римский-Корсаков. Если отчества нет, оставьте поле пустым."
        ),
    ),
    "BIRTH_DATE_IN_FUTURE": (
        "the birth date is still to come",
        "Пожалуйста, проверьте дату рождения: она ещё не наступила.",
    ),
    "BIRTH_DATE_IMPLAUSIBLE": (
        "older than 120 years",
        "Пожалуйста, проверьте дату рождения: по ней возраст больше 120 лет.",
    ),
    "POLICYHOLDER_TOO_YOUNG": (
        "a policyholder is at least 18",
        (
            "Страхователю должно быть не меньше 18 лет. Пожалуйста, проверьте дату рождения "
            "или укажите другого страхователя."
        ),
    ),
    "PASSPORT_INVALID": (
        "passport: 10 digits",
        "Пожалуйста, проверьте серию и номер паспорта: 10 цифр, например 4510123456.",
    ),
    "PASSPORT_ISSUED_IN_FUTURE": (
        "the passport's date is still to come",
        "Пожалуйста, проверьте дату выдачи паспорта: она ещё не наступила.",
    ),
    "PASSPORT_ISSUED_TOO_EARLY": (
        "a passport is issued from the age of 14",
        "Пожалуйста, проверьте дату выдачи паспорта: паспорт выдают с 14 лет.",
    ),
    "KLADR_INVALID": (
        "KLADR code: 11–19 digits",
        "Пожалуйста, выберите населённый пункт из списка: код КЛАДР состоит из 11–19 цифр, например 7700000000000.",
    ),
    "ADDRESS_INVALID": (
        "address: 1–500 characters",
        "Пожалуйста, укажите адрес: от 1 до 500 символов, например г Москва, ул Тверская, д 1.",
    ),
    "PHONE_INVALID": (
        "not a telephone number, e.g. +79161234567",
        "Пожалуйста, проверьте номер телефона, например +79161234567.",
    ),
    "EMAIL_INVALID": (
        "not an e-mail address",
        "Пожалуйста, проверьте адрес электронной почты, например name@example.ru.",
    ),
}
_DRIVERS: Final = {
    "DRIVERS_REQUIRED": (
        "no driver is listed, and drivers are not unlimited",
        "Пожалуйста, укажите хотя бы одного водителя или выберите полис без ограничения водителей.",
    ),
    "DRIVERS_AMBIGUOUS": (
        "listed drivers and unlimited at once",
        "Пожалуйста, выберите одно: список водителей или полис без ограничения водителей.",
    ),
    "DRIVERS_TOO_MANY": (
        "more than 50 listed drivers",
        (
            "В полис можно вписать не больше 50 водителей. Пожалуйста, сократите список "
            "или выберите полис без ограничения водителей."
        ),
    ),
    "DRIVER_TOO_YOUNG": (
        "a driver is at least 17, for category A 16",
        "Водителю должно быть не меньше 17 лет, а для категории A — не меньше 16. Пожалуйста, проверьте дату рождения.",
    ),
    "DRIVER_TOO_OLD": (
        "a driver older than 100",
        "Пожалуйста, проверьте дату рождения: по ней водителю больше 100 лет.",
    ),
    "DRIVING_LICENSE_INVALID": (
        "driving licence: 10 characters",
        (
            "Пожалуйста, проверьте серию и номер водительского удостоверения: 10 знаков, "
            "например 9912345678 или 77АВ345678."
        ),
    ),
    "DRIVING_LICENSE_REPEATED": (
        "two drivers with one licence",
        "Водитель с таким удостоверением уже есть в списке. Пожалуйста, проверьте номер или уберите повтор.",
    ),
    "DRIVING_SINCE_IN_FUTURE": (
        "the experience is still to begin",
        "Пожалуйста, проверьте дату начала стажа: она ещё не наступила.",
    ),
    "DRIVING_SINCE_TOO_EARLY": (
        "the experience begins before 17, for category A 16",
        "Пожалуйста, проверьте дату начала стажа: он начинается не раньше 17 лет, а для категории A — не раньше 16.",
    ),
}
_POLICY: Final = {
    "STARTS_ON_OUT_OF_RANGE": (
        "a policy starts from tomorrow to 60 days ahead",
        "Пожалуйста, выберите начало действия полиса: не раньше завтрашнего дня и не позже чем через 60 дней.",
    ),
    "USAGE_MONTHS_OUT_OF_RANGE": (
        "months of use: 3–12",
        "Пожалуйста, укажите период использования: от 3 до 12 месяцев.",
    ),
}
_REQUEST: Final = {
    "CLIENT_REFERENCE_REUSED": (
        "this reference names a request of other content",
        "Заявление с таким номером уже отправлено, но с другим содержанием. Пожалуйста, укажите новый номер.",
    ),
    "CLIENT_REFERENCE_INVALID": (
        "reference: 1–128 printable ASCII characters without spaces",
        (
            "Пожалуйста, проверьте номер заявления: он пуст, слишком длинный "
            "или содержит недопустимые символы. Подойдёт, например, order-2024-0001."
        ),
    ),
    "CUSTOMER_ID_INVALID": (
        "customer id: 1–128 printable ASCII characters without spaces",
        (
            "Пожалуйста, проверьте идентификатор клиента: он пуст, слишком длинный "
            "или содержит недопустимые символы. Подойдёт, например, customer-42."
        ),
    ),
    "INSURER_UNKNOWN": (
        "no such insurer is configured",
        "Пожалуйста, выберите страховую компанию из списка: этой среди доступных нет.",
    ),
    "INSURERS_EMPTY": (
        "an empty list of insurers: leave it out to ask all",
        "Пожалуйста, выберите хотя бы одну страховую компанию или не ограничивайте список.",
    ),
    "INSURER_REPEATED": (
        "an insurer is named twice",
        "Эта страховая компания уже выбрана. Пожалуйста, уберите повтор.",
    ),
}

_ALL: Final = _ANY_FIELD | _VEHICLE | _DOCUMENT | _PERSON | _DRIVERS | _POLICY | _REQUEST

OF_ANY_FIELD: Final = frozenset({"REQUIRED", "TYPE_INVALID", "TEXT_UNPRINTABLE"})
"""What every field may be: missing, of another kind, or text with invisible characters."""
WHAT_IS_WRONG: Final[Mapping[str, str]] = MappingProxyType({code: wrong for code, (wrong, _) in _ALL.items()})
"""In English, for the documentation."""
MESSAGES: Final[Mapping[str, str]] = MappingProxyType({code: message for code, (_, message) in _ALL.items()})


def problem(path: tuple[str, ...], code: str) -> Problem:
    """The problem of that code at that place; a code that is not in the table is a bug."""
    return Problem(path, code, MESSAGES[code])
