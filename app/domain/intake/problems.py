"""Every problem that a caller's input may have: the stable code, what is wrong, and the message in Russian for the customer.

A message says what to mend and shows the right form. It never holds what was sent.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from app.domain.errors import Problem
from app.domain.intake.texts.party_texts import PARTY
from app.domain.intake.texts.policy_texts import DRIVERS, POLICY, WARNINGS
from app.domain.intake.texts.vehicle_texts import VEHICLE, VEHICLE_DOCUMENT

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
    "DATE_TIME_INVALID": (
        "not a moment with its offset",
        "Пожалуйста, укажите дату и время с часовым поясом, например 2026-11-28T12:30:00+03:00.",
    ),
    "COUNTRY_UNKNOWN": (
        "no country has these two letters",
        "Пожалуйста, выберите страну из списка: её код — две латинские буквы, например RU, BY или UZ.",
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

_ALL: Final = _ANY_FIELD | VEHICLE | VEHICLE_DOCUMENT | PARTY | DRIVERS | POLICY | _REQUEST | WARNINGS

OF_ANY_FIELD: Final = frozenset({"REQUIRED", "TYPE_INVALID", "TEXT_UNPRINTABLE"})
"""Codes that every field may have: missing, of another kind, or text with invisible characters."""
WHAT_IS_WRONG: Final[Mapping[str, str]] = MappingProxyType({code: wrong for code, (wrong, _) in _ALL.items()})
"""In English, for the documentation."""
WARNING_CODES: Final = frozenset(WARNINGS)
"""Codes of warnings alone."""
MESSAGES: Final[Mapping[str, str]] = MappingProxyType({code: message for code, (_, message) in _ALL.items()})


def problem(path: tuple[str, ...], code: str, **values: str) -> Problem:
    """The problem of that code at that place, its message filled in; a code that is not in the table is a bug."""
    return Problem(path, code, MESSAGES[code].format(**values))
