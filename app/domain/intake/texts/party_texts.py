"""Problems of the policyholder and the owner: the stable code, what is wrong in English, and the message in Russian for the customer."""

from typing import Final

PARTY: Final = {
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
    "PASSPORT_ISSUED_TOO_EARLY": (
        "a passport is issued from the age of 14",
        "Пожалуйста, проверьте дату выдачи паспорта: паспорт выдают с 14 лет.",
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
    "NAME_INVALID": (
        "name: 1–100 Russian or Latin letters, with hyphen, apostrophe, space",
        (
            "Пожалуйста, проверьте это поле: от 1 до 100 русских или латинских букв, между ними допустимы "
            "дефис, апостроф и пробел, например Римский-Корсаков. Если отчества нет, оставьте поле пустым."
        ),
    ),
    "NAME_ALPHABETS_MIXED": (
        "letters of both alphabets in one word",
        "Пожалуйста, введите это поле заново: в одном слове есть и русские, и латинские буквы.",
    ),
    "PARTY_REQUIRED": (
        "neither a person nor an organisation",
        "Пожалуйста, укажите человека или организацию.",
    ),
    "PARTY_AMBIGUOUS": (
        "a person and an organisation at once",
        "Пожалуйста, укажите что-то одно: человека или организацию.",
    ),
    "PASSPORT_INVALID": (
        "passport: 10 digits, neither series nor number zeros",
        "Пожалуйста, проверьте серию и номер паспорта: 10 цифр, например 4510123456.",
    ),
    "BIRTH_CERTIFICATE_INVALID": (
        "birth certificate: a Roman numeral, two Russian letters, six digits",
        (
            "Пожалуйста, проверьте серию и номер свидетельства о рождении: римская цифра, "
            "две русские буквы и шесть цифр, например III-МЮ 123456."
        ),
    ),
    "IDENTITY_DOCUMENT_INVALID": (
        "document: 4–20 letters and digits, not zeros alone",
        "Пожалуйста, проверьте серию и номер документа: от 4 до 20 букв и цифр, например AB1234567.",
    ),
    "IDENTITY_ISSUED_IN_FUTURE": (
        "the document's date is still to come",
        "Пожалуйста, проверьте дату выдачи документа: она ещё не наступила.",
    ),
    "IDENTITY_ISSUED_BEFORE_BIRTH": (
        "the document is older than its holder",
        "Пожалуйста, проверьте дату рождения и дату выдачи документа: он не может быть выдан до рождения.",
    ),
    "PASSPORT_BEFORE_1997": (
        "there were no such passports before 1997-10-01",
        "Пожалуйста, проверьте дату выдачи паспорта: паспорта России выдают с 1 октября 1997 года.",
    ),
    "PASSPORT_HOLDER_TOO_YOUNG": (
        "a passport, and its holder is not 14 yet",
        "До 14 лет паспорта не бывает. Пожалуйста, проверьте дату рождения или укажите свидетельство о рождении.",
    ),
    "PASSPORT_EXPIRED": (
        "a passport that had to be renewed at 20 or 45, more than 90 days ago",
        (
            "Пожалуйста, укажите новый паспорт: в 20 и в 45 лет его меняют, а этот выдан раньше. "
            "Если паспорт новый, проверьте дату выдачи и дату рождения."
        ),
    ),
    "DOCUMENT_COUNTRY_UNSUITED": (
        "a Russian passport of another country, or a foreign one of Russia",
        (
            "Пожалуйста, проверьте вид документа и страну, которая его выдала: у паспорта России это Россия, "
            "у паспорта другой страны — эта страна."
        ),
    ),
    "ISSUER_INVALID": (
        "issuer: 1–200 characters",
        "Пожалуйста, укажите, кем выдан документ: от 1 до 200 символов, как в самом документе.",
    ),
    "DIVISION_CODE_INVALID": (
        "code of the office: 000-000",
        "Пожалуйста, проверьте код подразделения: шесть цифр, например 770-001.",
    ),
    "ORGANISATION_NAME_INVALID": (
        "organisation: 1–200 characters",
        "Пожалуйста, укажите название организации: от 1 до 200 символов, например ООО «Ромашка».",
    ),
    "INN_INVALID": (
        "INN of an organisation: 10 digits, the last one a check digit",
        "Пожалуйста, проверьте ИНН организации: 10 цифр, и последняя из них — контрольная.",
    ),
    "KPP_INVALID": (
        "KPP: 9 characters",
        "Пожалуйста, проверьте КПП: 9 знаков, например 770101001.",
    ),
    "OGRN_INVALID": (
        "OGRN: 13 digits, the last one a check digit",
        "Пожалуйста, проверьте ОГРН: 13 цифр, и последняя из них — контрольная.",
    ),
    "KLADR_INVALID": (
        "KLADR code: 11, 13, 15, 17 or 19 digits, a region that exists first",
        (
            "Пожалуйста, выберите населённый пункт из списка: код КЛАДР состоит из 11, 13, 15, 17 или 19 цифр "
            "и начинается с кода региона, например 7700000000000."
        ),
    ),
    "FIAS_ID_INVALID": (
        "not an id of the federal address register",
        "Пожалуйста, выберите адрес из списка заново: его код в государственном адресном реестре не подходит.",
    ),
    "POSTAL_CODE_INVALID": (
        "postal code: 6 digits",
        "Пожалуйста, проверьте почтовый индекс: 6 цифр, например 119034.",
    ),
    "ADDRESS_PART_INVALID": (
        "a part of an address: 1–100 characters",
        "Пожалуйста, укажите эту часть адреса короче: от 1 до 100 символов.",
    ),
    "ADDRESS_HOUSE_MISSING": (
        "the address has no house",
        "Пожалуйста, укажите адрес полностью, с номером дома, например г Москва, ул Тверская, д 1.",
    ),
}
