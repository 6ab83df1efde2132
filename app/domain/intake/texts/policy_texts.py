"""Problems of the drivers and of the policy: the stable code, what is wrong in English, and the message in Russian for the customer."""

from typing import Final

DRIVERS: Final = {
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
    "DRIVER_TOO_OLD": (
        "a driver older than 100",
        "Пожалуйста, проверьте дату рождения: по ней водителю больше 100 лет.",
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
    "DRIVER_TOO_YOUNG": (
        "a driver of A (above 15 hp), B and C is at least 18, of A up to 15 hp 16, of D, tram and trolleybus 21, of tractors 17",
        (
            "Водителю категорий A, B и C должно быть не меньше 18 лет (мотоцикла до 15 л. с. — 16), автобуса, трамвая "
            "и троллейбуса — 21, трактора — 17. Пожалуйста, проверьте дату рождения и категорию."
        ),
    ),
    "DRIVING_LICENSE_INVALID": (
        "Russian driving licence: 10 characters; of another country: 4–20 letters and digits",
        (
            "Пожалуйста, проверьте серию и номер водительского удостоверения: 10 знаков, "
            "например 9912345678 или 77АВ345678. Если оно выдано в другой стране, укажите её."
        ),
    ),
    "DRIVER_REPEATED": (
        "a person who stands in the list already",
        "Этот водитель уже есть в списке. Пожалуйста, уберите повтор или проверьте имя и дату рождения.",
    ),
    "LICENSE_ISSUED_IN_FUTURE": (
        "the licence's date is still to come",
        "Пожалуйста, проверьте дату выдачи водительского удостоверения: она ещё не наступила.",
    ),
    "LICENSE_OLDER_THAN_RIGHT": (
        "the licence was issued before its right began",
        (
            "Пожалуйста, проверьте дату выдачи удостоверения и начало стажа: "
            "удостоверение не может быть выдано раньше, чем начался стаж."
        ),
    ),
}
POLICY: Final = {
    "STARTS_ON_OUT_OF_RANGE": (
        "a policy starts from tomorrow to 60 days ahead",
        "Пожалуйста, выберите начало действия полиса: не раньше завтрашнего дня и не позже чем через 60 дней.",
    ),
    "STARTS_TOO_SOON": (
        "no insurer that is to be asked takes so early a start; the message has the first day",
        "Пожалуйста, выберите начало действия полиса не раньше {day}: раньше страховые компании не начинают.",
    ),
    "USAGE_MONTHS_OUT_OF_RANGE": (
        "months of use: 3–12",
        "Пожалуйста, укажите период использования: от 3 до 12 месяцев.",
    ),
    "POLICY_SERIES_INVALID": (
        "policy series: three Russian letters",
        "Пожалуйста, проверьте серию прошлого полиса: три русские буквы, например ХХХ.",
    ),
    "POLICY_NUMBER_INVALID": (
        "policy number: 10 digits",
        "Пожалуйста, проверьте номер прошлого полиса: 10 цифр, например 0123456789.",
    ),
    "CONSENT_VERSION_INVALID": (
        "version of the text: 1–100 characters",
        "Согласие нужно дать заново: не указано, с каким текстом.",
    ),
    "CONSENT_IN_FUTURE": (
        "the consent is still to be given",
        "Согласие нужно дать заново: его время ещё не наступило. Пожалуйста, проверьте часы.",
    ),
    "CONSENT_TOO_OLD": (
        "the consent is older than 30 days",
        "Согласие нужно дать заново: прошло больше 30 дней.",
    ),
    "CONSENT_OTHERS_NOT_INFORMED": (
        "other people are named, and do not know it",
        (
            "Пожалуйста, сообщите собственнику и водителям, что указали их данные, и отметьте это: "
            "без этого заявление отправить нельзя."
        ),
    ),
}

WARNINGS: Final = {
    "VIN_UNUSUAL": (
        "a VIN that does not end in four digits, or whose North American check digit is wrong",
        "Пожалуйста, сверьте VIN с документом: обычно он устроен иначе, и в нём может быть опечатка.",
    ),
    "TRANSIT_PLATE": (
        "a transit plate, and the vehicle is said not to be in transit",
        "Номер транзитный. Если автомобиль едет к месту регистрации, отметьте это: цена будет другой.",
    ),
    "NAMESAKE": (
        "the same name with another day of birth stands elsewhere in the application",
        "Человек с этим именем указан ещё раз, с другой датой рождения. Пожалуйста, проверьте обе даты.",
    ),
}
"""Warnings: an application is not refused for these."""
