"""Problems of a vehicle and its document: the stable code, what is wrong in English, and the message in Russian for the customer."""

from typing import Final

VEHICLE: Final = {
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
    "LICENSE_PLATE_INVALID": (
        "not a plate of this category, or its region does not exist",
        (
            "Пожалуйста, проверьте государственный номер, код региона и категорию: у легкового автомобиля номер "
            "выглядит как А123ВС77, у такси ещё и как АА12377, у мотоцикла и трактора — как 1234АА77, "
            "транзитный — как АК123К77."
        ),
    ),
    "LICENSE_PLATE_REQUIRED": (
        "a vehicle with a registration certificate has a plate",
        (
            "Пожалуйста, укажите государственный номер: он есть у каждого автомобиля с СТС. "
            "Если номера ещё нет, укажите ПТС или электронный ПТС вместо СТС."
        ),
    ),
    "DICTIONARY_ID_INVALID": (
        "id in a dictionary of vehicles: 1–128 characters",
        "Пожалуйста, выберите марку и модель из списка заново: их код не подходит.",
    ),
    "MAX_MASS_UNSUITED": (
        "category B ends at 3500 kg, category C begins above",
        (
            "Пожалуйста, проверьте категорию и разрешённую максимальную массу: у категории B она "
            "не больше 3500 килограммов, у категории C — больше."
        ),
    ),
    "SEATS_UNSUITED": (
        "category B has at most 8 passenger seats, category D at least 9",
        (
            "Пожалуйста, проверьте категорию и число пассажирских мест (без места водителя): "
            "у категории B их не больше 8, у категории D — не меньше 9."
        ),
    ),
}
VEHICLE_DOCUMENT: Final = {
    "VEHICLE_PASSPORT_INVALID": (
        "vehicle passport: two digits, two Russian letters, six digits",
        "Пожалуйста, проверьте серию и номер ПТС: две цифры, две русские буквы и шесть цифр, например 77МА345678.",
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
    "REGISTRATION_CERTIFICATE_INVALID": (
        "registration certificate: 10 characters, not zeros alone",
        "Пожалуйста, проверьте серию и номер СТС: 10 знаков, например 7712345678 или 77УА345678.",
    ),
    "ELECTRONIC_PASSPORT_INVALID": (
        "electronic vehicle passport: 15 digits, a kind from 1 to 4 and a country of the union first",
        (
            "Пожалуйста, проверьте номер электронного ПТС: 15 цифр, первая от 1 до 4, за ней код страны "
            "(у России 643), например 164301012345678."
        ),
    ),
    "SELF_PROPELLED_PASSPORT_INVALID": (
        "passport of a self-propelled machine: two Russian letters and six digits, or 15 digits",
        (
            "Пожалуйста, проверьте серию и номер ПСМ: две русские буквы и шесть цифр, например ВЕ123456, "
            "или 15 цифр электронного паспорта."
        ),
    ),
    "SELF_PROPELLED_CERTIFICATE_INVALID": (
        "registration certificate of a self-propelled machine: two Russian letters and six digits",
        (
            "Пожалуйста, проверьте серию и номер свидетельства о регистрации машины: "
            "две русские буквы и шесть цифр, например СК123456."
        ),
    ),
    "FOREIGN_VEHICLE_DOCUMENT_INVALID": (
        "a foreign vehicle's document: 4–20 letters and digits, not zeros alone",
        "Пожалуйста, проверьте номер документа: от 4 до 20 букв и цифр, например AB1234567.",
    ),
    "DOCUMENT_KIND_UNSUITED": (
        "papers of a self-propelled machine, and a category that has none",
        (
            "Пожалуйста, проверьте вид документа и категорию: ПСМ и свидетельство о регистрации машины "
            "бывают у тракторов и других самоходных машин."
        ),
    ),
}
