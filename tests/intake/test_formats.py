"""How single values are written: one spelling out of many, and nothing but `Broken` for all else."""

from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.application import VehicleCategory, VehiclePurpose
from app.domain.intake import formats
from app.domain.intake.formats import Broken, parse_date, parse_decimal
from app.domain.intake.problems import MESSAGES
from app.domain.intake.spelling import document_numbers as documents
from app.domain.intake.spelling import register_numbers as registers
from app.domain.intake.spelling.countries import RUSSIA
from app.domain.intake.spelling.number_plates import license_plate
from app.domain.intake.spelling.person_names import name

PERSONAL: Final = VehiclePurpose.PERSONAL
LATIN_TWIN: Final = dict(zip("АВЕКМНОРСТУХ", "ABEKMHOPCTYX", strict=True))
CYRILLIC_TWIN: Final = {latin: cyrillic for cyrillic, latin in LATIN_TWIN.items()}
CAR: Final = license_plate(VehicleCategory.B, PERSONAL, RUSSIA)
TAXI: Final = license_plate(VehicleCategory.B, VehiclePurpose.TAXI, RUSSIA)

letters = st.sampled_from("АВЕКМНОРСТУХ")
regions = st.from_regex(r"[17]?(?!00)[0-9]{2}", fullmatch=True)
civil = st.from_regex(r"1(?!00)[0-9]{2}", fullmatch=True)
car_plates = st.builds(
    "{}{:03}{}{}{}".format, letters, st.integers(min_value=1, max_value=999), letters, letters, regions
)
square_plates = st.builds("{:04}{}{}{}".format, st.integers(min_value=1, max_value=9999), letters, letters, civil)
yellow_plates = st.builds("{}{}{:03}{}".format, letters, letters, st.integers(min_value=1, max_value=999), regions)
vins = st.text("ABCDEFGHJKLMNPRSTUVWXYZ0123456789", min_size=17, max_size=17)
cards = st.from_regex("[1-9]{2}([0-9]{2}|[АВЕКМНОРСТУХ]{2})[0-9]{5}[1-9]", fullmatch=True)
anything = st.text(st.characters(exclude_categories=()), max_size=80) | st.text("АBЖzй7700+-–' №()", max_size=20)

PARSERS: Final[dict[str, Callable[[str], object]]] = {
    **{f"plate {category}": license_plate(category, PERSONAL, RUSSIA) for category in VehicleCategory},
    "plate of a taxi": TAXI,
    "vin": registers.vin,
    "body number": registers.body_number,
    "chassis number": registers.chassis_number,
    "registration certificate": documents.registration_certificate,
    "vehicle passport": documents.vehicle_passport,
    "electronic passport": documents.electronic_passport,
    "driving licence": documents.driving_license,
    "passport": documents.passport,
    "kladr": registers.kladr,
    "phone": formats.phone,
    "name": name,
    "prose": lambda text: formats.prose(text, 500, "ADDRESS_INVALID"),
    "date": parse_date,
    "decimal": parse_decimal,
}


@st.composite
def typed(draw: st.DrawFn, spelt: str, twins: dict[str, str]) -> str:
    """What a person may type for it: look-alikes, lower case, spaces and hyphens anywhere."""
    return "".join(
        draw(st.sampled_from(["", "", "", " ", "-", "\u00a0", "–"]))
        + draw(st.sampled_from([letter, letter.lower(), twins.get(letter, letter), twins.get(letter, letter).lower()]))
        for letter in spelt
    )


@given(car_plates, st.data())
def test_a_plate_has_one_spelling(plate: str, data: st.DataObject) -> None:
    """However a plate is typed (alphabet, case, spaces), it becomes one Cyrillic text."""
    assert CAR(data.draw(typed(plate, LATIN_TWIN))) == plate


@given(square_plates, st.data())
def test_a_motorcycle_and_a_tractor_have_square_plates(plate: str, data: st.DataObject) -> None:
    """Digits first: a motorcycle's plate and a tractor's, and no car's."""
    spelling = data.draw(typed(plate, LATIN_TWIN))
    assert license_plate(VehicleCategory.A, PERSONAL, RUSSIA)(spelling) == plate
    assert license_plate(VehicleCategory.TRACTOR, PERSONAL, RUSSIA)(spelling) == plate
    with pytest.raises(Broken):
        CAR(spelling)


@given(yellow_plates, car_plates)
def test_a_taxi_may_be_yellow_or_white(yellow: str, white: str) -> None:
    """Yellow plates belong to taxis and buses; taxis may have white ones, too."""
    bus = license_plate(VehicleCategory.D, PERSONAL, RUSSIA)
    assert [TAXI(yellow), TAXI(white), bus(yellow), bus(white)] == [yellow, white, yellow, white]
    with pytest.raises(Broken):
        CAR(yellow)


@pytest.mark.parametrize(
    "text",
    [
        "А000ВС77",
        "А123ВС012",
        "А123ВС455",
        "А123ВС00",
        "А123ВС001",
        "А123ВС7",
        "А123ВС7777",
        "Ж123ВС77",
        "А12ВС77",
        "D123ВС77",
        "А١٢٣ВС77",
        "А123ВС77\x00",
        "А123ВС77" + " " * 60,
        "А123ВС77, В321СА77",
    ],
)
def test_what_is_no_plate_is_refused(text: str) -> None:
    """Number 000, region 00…, letters that plates have not, digits of other scripts, control characters."""
    with pytest.raises(Broken) as refusal:
        CAR(text)
    assert refusal.value.code == "LICENSE_PLATE_INVALID"


@pytest.mark.parametrize("category", [VehicleCategory.TRAM, VehicleCategory.TROLLEYBUS])
def test_a_tram_has_the_number_that_its_depot_paints_on(category: VehicleCategory) -> None:
    """No rule is known for them, so a few letters and digits will do; look-alikes are Cyrillic here too."""
    parse = license_plate(category, PERSONAL, RUSSIA)
    assert [parse("3 032"), parse("b-12"), parse("B12"), parse("л7z")] == ["3032", "В12", "В12", "Л7Z"]


@given(vins, st.data())
def test_a_vin_has_one_spelling(vin: str, data: st.DataObject) -> None:
    """A VIN is Latin, also if typed in Cyrillic; it has no check digit."""
    assert registers.vin(data.draw(typed(vin, CYRILLIC_TWIN))) == vin


@pytest.mark.parametrize("letter", ["I", "O", "Q", "О", "Ж", "ſ", "ß", "٣", "\x00"])
def test_a_vin_lacks_some_letters(letter: str) -> None:
    """I, O and Q are in no VIN, nor is anything that merely becomes ASCII in upper case."""
    with pytest.raises(Broken, match=r"\AVIN_INVALID\Z"):
        registers.vin("XTA210990Y276638" + letter)


@given(cards, st.data())
def test_licences_and_certificates_are_written_alike(card: str, data: st.DataObject) -> None:
    """A driving licence and an СТС: two digits, two digits or plate letters, six digits, in Cyrillic."""
    spelling = data.draw(typed(card, LATIN_TWIN))
    assert documents.driving_license(spelling) == documents.registration_certificate(spelling) == card


@pytest.mark.parametrize(
    ("parse", "text", "spelt"),
    [
        (documents.vehicle_passport, "77 ma 345678", "77МА345678"),
        (documents.vehicle_passport, "63ЖЯ123456", "63ЖЯ123456"),
        (documents.electronic_passport, "1643 0101 2345 678", "164301012345678"),
        (documents.passport, "45 11 № 654321", "4511654321"),
        (registers.kladr, "77 000 000 000", "77000000000"),
        (registers.body_number, "ae100 – 1234567", "AE100-1234567"),
        (registers.body_number, "АЕ100-1234567", "AE100-1234567"),
        (registers.body_number, "А100-1234567", "A100-1234567"),
        (registers.chassis_number, "4310-0012345", "4310-0012345"),
    ],
)
def test_documents_lose_what_does_not_count(parse: Callable[[str], str], text: str, spelt: str) -> None:
    """Spaces, case and look-alikes go; the hyphen of a body number is the maker's and stays."""
    assert parse(text) == spelt


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (documents.vehicle_passport, "77ЁА345678"),
        (documents.vehicle_passport, "7712345678"),
        (documents.electronic_passport, "16430101234567"),
        (documents.registration_certificate, "77ЖА345678"),
        (documents.driving_license, "771234567"),
        (documents.passport, "451165432"),
        (documents.passport, "45116543210"),
        (documents.passport, "٤٥١١٦٥٤٣٢١"),
        (registers.kladr, "7" * 10),
        (registers.kladr, "770000000000"),
        (registers.kladr, "8100000000000"),
        (documents.electronic_passport, "9" * 15),
        (documents.passport, "0" * 10),
        (documents.passport, "4511000000"),
        (registers.kladr, "7" * 20),
        (registers.body_number, "снят"),
        (registers.body_number, "12"),
        (registers.chassis_number, "1" * 31),
    ],
)
def test_documents_of_another_shape_are_refused(parse: Callable[[str], str], text: str) -> None:
    """Too long, too short, other letters, other digits."""
    with pytest.raises(Broken):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "89161234567",
        "79161234567",
        "9161234567",
        "+79161234567",
        "+7 (916) 123-45-67",
        "8 916 123 45 67",
        "8.916.123.45.67",
        "+7\u00a0916\u00a0123–45–67",
    ],
)
def test_a_russian_phone_has_one_spelling(text: str) -> None:
    """A number with +7, 8, 7 or nothing before it becomes E.164."""
    assert formats.phone(text) == "+79161234567"


def test_a_foreign_phone_keeps_its_country() -> None:
    """+7 is added only to a number without a plus."""
    assert formats.phone("+375 29 123-45-67") == "+375291234567"


@pytest.mark.parametrize("text", ["", "+", "123", "+7916123456", "+791612345678", "+89161234567", "+0123456789"])
@pytest.mark.parametrize("around", ["{}", "{}x", "{}\x00"])
def test_what_is_no_phone_is_refused(text: str, around: str) -> None:
    """+7 has exactly ten digits more, no country has +0 or +89, and a phone has no letters."""
    with pytest.raises(Broken, match=r"\APHONE_INVALID\Z"):
        formats.phone(around.format(text))


@pytest.mark.parametrize(
    ("text", "spelt"),
    [
        ("И", "И"),
        ("Müller", "Müller"),
        ("  Анна   Мария ", "Анна Мария"),
        ("О’Коннор", "О'Коннор"),
        ("Римский – Корсаков", "Римский-Корсаков"),
        ("Мамед оглы", "Мамед оглы"),
        ("Андреи\u0306", "Андрей"),
        ("Я" * 100, "Я" * 100),
        ("Nguyễn", "Nguyễn"),
        ("Ивaнов", "Иванов"),
        ("Мüller", "Müller"),
    ],
)
def test_names_are_letters_of_either_alphabet(text: str, spelt: str) -> None:
    """Cyrillic or Latin, 1 to 100 characters, hyphen, apostrophe and space inside, each in one spelling."""
    assert name(text) == spelt


@pytest.mark.parametrize("text", ["", " ", "-", "'", "Иван2", "Иван.", "<b>", "李", "Я" * 101, "Иван--Пётр"])
def test_what_is_no_name_is_refused(text: str) -> None:
    """No letter, something else than letters, or too long."""
    with pytest.raises(Broken, match=r"\ANAME_INVALID\Z"):
        name(text)


@pytest.mark.parametrize("unseen", ["\x00", "\ud800", "\n", "\t", "\x1f", "\x7f", "\x85", "\u200b", "\u202e"])
@pytest.mark.parametrize("parse", PARSERS.values(), ids=PARSERS.keys())
def test_no_text_holds_what_cannot_be_seen(parse: Callable[[str], object], unseen: str) -> None:
    """NUL and lone surrogates would fail a whole batch in PostgreSQL; no control character is a letter."""
    for text in (unseen, f"Иван{unseen}Пётр", f"К456МН799{unseen}", f"{unseen}2024-05-31", f"1{unseen}5"):
        with pytest.raises(Broken):
            parse(text)


@pytest.mark.parametrize("parse", PARSERS.values(), ids=PARSERS.keys())
@given(text=anything)
def test_any_text_is_read_or_broken(parse: Callable[[str], object], text: str) -> None:
    """No input raises anything but `Broken`, with a code that has a message; a value that is read reads the same again."""
    try:
        value = parse(text)
    except Broken as broken:
        outcome = (broken.args, broken.code in MESSAGES)
        expected = ((broken.code,), True)
    else:
        outcome, expected = parse(str(value)), value
    assert outcome == expected


GOOD: Final[dict[str, str]] = {
    f"plate {VehicleCategory.B}": "А123ВС77",
    "vin": "XTA210990Y2766389",
    "body number": "XTA-2109/01",
    "chassis number": "XTA-2109/01",
    "registration certificate": "7777123456",
    "vehicle passport": "77МН123456",
    "electronic passport": "164301000000001",
    "driving licence": "7777123456",
    "passport": "4510123456",
    "kladr": "7700000000000",
    "phone": "+79161234567",
    "name": "Иван",
    "prose": "ул. Ленина, 1",
    "date": "2026-12-01",
    "decimal": "110.5",
}
UNSEEN: Final = [*"\t\n\r\x85\u00ad\u200b\u200e\u2028\u202a\u202c\u2060\u2066\ufeff", "\ud800"]


@pytest.mark.parametrize("unseen", UNSEEN, ids=ascii)
@pytest.mark.parametrize("form", GOOD)
def test_what_cannot_be_seen_is_named_as_what_is_wrong(form: str, unseen: str) -> None:
    """A value that looks right is not called wrong for its form: what is pasted brings marks that no screen shows."""
    good, parse = GOOD[form], PARSERS[form]
    assert parse(good)
    for text in (good + unseen, unseen + good, good[:3] + unseen + good[3:]):
        with pytest.raises(Broken, match=r"\ATEXT_UNPRINTABLE\Z"):
            parse(text)
