"""The application form in a real browser: masks, problems at their fields, keyboard."""

import pytest
from support.browser import Page
from support.core_app import ACCEPTED, SENT_MAX, CoreApps, ends, refused, sent

pytestmark = pytest.mark.processes


MASKS = [
    ("vehicle.licensePlate", "k456mh", "К 456 МН"),
    ("vehicle.licensePlate", "ав123", "АВ 123"),
    ("vehicle.licensePlate", "1234ab", "1234 АВ"),
    ("vehicle.vin", "хта210990у2766389", "XTA210990Y2766389"),
    ("vehicle.vin", "xta21O990y2766389", "XTA210990Y2766389"),
    ("vehicle.document.number", "77yk345678", "77 УК 345678"),
    ("vehicle.document.issuedOn", "14092021", "14.09.2021"),
    ("vehicle.document.issuedOn", "1.9.2021", "01.09.2021"),
    ("vehicle.enginePower", "110.5", "110,5"),
    ("policyholder.person.lastName", "Cидорoв-Пeтров", "Сидоров-Петров"),
    ("policyholder.person.firstName", "ivan", "Ivan"),
    ("policyholder.person.firstName", "Ivаn", "Ivan"),
    ("policyholder.person.document.number", "4510 987654", "45 10 987654"),
    ("policyholder.person.phone", "89031112233", "+7 903 111-22-33"),
    ("policyholder.person.phone", "9031112233", "+7 903 111-22-33"),
    ("policyholder.person.phone", "+79031112233", "+7 903 111-22-33"),
    ("policyholder.person.phone", "+789161234567", "+7 916 123-45-67"),
    ("policyholder.person.phone", "8123334455", "8123334455"),
    ("policyholder.person.phone", "+37529123456", "+37529123456"),
    ("drivers.listed.0.license.number", "99ab567812", "99 АВ 567812"),
    # What does not fit stays as it is typed: never another value.
    ("vehicle.year", "2021/2022", "2021/2022"),
    ("vehicle.year", "20211", "20211"),
    ("vehicle.enginePower", "110/149,6", "110/149,6"),
    ("vehicle.vin", "xtaO1I", "XTAO1I"),
    ("vehicle.vin", "XTA210990Y27663891", "XTA210990Y27663891"),
    ("vehicle.licensePlate", "ав1234567", "АВ 1234567"),
    ("policyholder.person.lastName", "Kuznetsoв", "Kuznetsoв"),
    ("policyholder.person.lastName", "мамед оглы", "Мамед оглы"),
    ("policyholder.person.document.number", "45109876541", "45 10 9876541"),
    ("policyholder.person.phone", "+7 903 111-22-334", "+7 903 111-22-334"),
    ("policyholder.person.birthDate", "12 мая 1980", "12мая 1980"),
    ("policyholder.person.birthDate", "12.05.19801", "12.05.19801"),
]
PASTED = [
    ("vehicle.vin", "VIN: XTAGFK330MY123456", "XTAGFK330MY123456"),
    ("policyholder.person.phone", "\u202a+375 29 123-45-67\u202c", "+375 29 123-45-67"),
    ("policyholder.person.birthDate", "1980-05-12", "12.05.1980"),
]


async def test_masks_mend_what_is_typed_and_make_no_other_value(page: Page, counter: str) -> None:
    """Key by key, letters of the wrong alphabet included; what is too long or of another kind stays to be seen."""
    await page.open(counter)
    assert [(field, typed, await page.type(field, typed)) for field, typed, _ in MASKS] == MASKS
    for field, pasted, shown in PASTED:
        await page.run("await page.locator(`[id='${args.id}']`).fill(args.text)", id=field, text=pasted)
        assert await value_of(page, field) == shown


async def value_of(page: Page, field: str) -> str:
    return await page.reads(f"document.getElementById('{field}').value")


async def test_ten_digits_are_a_number_with_its_code_once_the_field_is_left(page: Page, counter: str) -> None:
    """812 is a code as well as the beginning of a number with a trunk prefix: only the end of typing decides."""
    await page.open(counter)
    await page.type("policyholder.person.phone", "8123334455")
    await page.run("await page.locator(`[id='policyholder.person.phone']`).blur()")
    assert await value_of(page, "policyholder.person.phone") == "+7 812 333-44-55"


async def test_a_whole_plate_in_its_first_part_brings_its_region(page: Page, counter: str) -> None:
    """Whether another region stood there or none; a region that is not typed does not look as if it were."""
    await page.open(counter)
    paste = "await page.locator(`[id='vehicle.licensePlate']`).fill(args.text)"
    for typed, series, region in (
        ("О123ОО199", "О 123 ОО", "199"),
        ("a 123 bc 77 rus", "А 123 ВС", "77"),
        ("1234ав799", "1234 АВ", "799"),
        ("ав123с50", "АВ 123 С", "50"),
    ):
        await page.run(paste, text=typed)
        assert (await value_of(page, "vehicle.licensePlate"), await value_of(page, "plate-region")) == (series, region)
    assert await page.reads("document.getElementById('plate-region').placeholder") == "00"


async def test_the_caret_stays_where_the_customer_works(page: Page, counter: str) -> None:
    """A digit that is changed in the middle does not throw the caret to the end."""
    await page.open(counter)
    await page.type("policyholder.person.document.number", "4510987654")
    shown = await page.run(
        "const field = page.locator(`[id='policyholder.person.document.number']`); await field.press('Backspace'); "
        "await field.press('Home'); "
        "for (let at = 0; at < 4; at += 1) await field.press('ArrowRight'); "
        "await field.press('Backspace'); await field.press('7'); await field.press('8'); return field.inputValue()"
    )
    assert shown == "45 78 098765"


async def test_an_empty_form_shows_all_that_is_missing_and_goes_to_the_first(page: Page, counter: str) -> None:
    """The page finds all of it without asking the server."""
    await page.open(counter)
    await page.click("Узнать цены")
    await page.shows("Проверьте 21 поле")
    assert await page.reads("document.activeElement.id") == "vehicle.make"
    assert await page.reads("document.querySelectorAll('[aria-invalid=true]').length") == 21
    await page.type("vehicle.make", "Lada")
    assert await page.reads("document.getElementById('vehicle.make').ariaInvalid") == "false"


PROBLEMS = {
    "vehicle.vin": ("XTA210990Y276638", "Пожалуйста, проверьте VIN"),
    "vehicle.licensePlate": ("К 000 МН", "Пожалуйста, проверьте государственный номер"),
    "vehicle.document.issuedOn": ("14.09.2001", "документ не может быть выдан раньше"),
    "policyholder.person.birthDate": ("23.11.2020", "Страхователю должно быть не меньше 18 лет"),
    "policyholder.person.email": ("кто-то", "проверьте адрес электронной почты"),
    "drivers.listed.0.drivingSince": ("05.06.1995", "проверьте дату начала стажа"),
    "drivers.listed.1.license.number": ("99 23 456781", "Водитель с таким удостоверением уже есть"),
    "startsOn": ("01.01.2020", "выберите начало действия полиса"),
}


async def test_problems_of_the_api_are_shown_at_their_fields(page: Page, core_apps: CoreApps) -> None:
    """Each problem stands at the field of its path; the first one has the focus, and a screen reader reads each."""
    await page.open((await core_apps(insurers=("sever",))).url)
    await page.click("Заполнить примером")
    for field, (typed, _) in PROBLEMS.items():
        await page.type(field, typed)
    await refused(page, f"{len(PROBLEMS)} полей")
    assert await page.reads("document.activeElement.id") == "vehicle.licensePlate"
    below = await page.reads(
        "Object.fromEntries([...document.querySelectorAll('[aria-invalid=true]')]"
        ".map((one) => [one.id, document.getElementById(one.getAttribute('aria-describedby')).innerText]))"
    )
    assert below.keys() == PROBLEMS.keys()
    assert [field for field, (_, message) in PROBLEMS.items() if message not in below[field]] == []


TOLD = {
    "vehicle.document.issuedOn": ("31.02.2022", "Такого дня в календаре нет"),
    "vehicle.year": ("2021/2022", "одно целое число"),
    "vehicle.enginePower": ("110/149,6", "Оставьте одну, в л. с.: 149,6."),
    "policyholder.person.lastName": ("Kuznetsoв", "буквы двух алфавитов"),
    "policyholder.person.birthDate": ("23.11", "Укажите дату полностью"),
}


async def test_what_cannot_be_written_is_reported_without_the_server(page: Page, counter: str) -> None:
    """The calendar knows no 31st of February, a certificate has two powers, a name one alphabet."""
    await page.open(counter)
    await page.click("Заполнить примером")
    for field, (typed, _) in TOLD.items():
        await page.type(field, typed)
    await page.click("Узнать цены")
    await page.shows(f"Проверьте {len(TOLD)} полей")
    below = await page.reads(
        "Object.fromEntries([...document.querySelectorAll('.field__problem')].map((one) => [one.id, one.innerText]))"
    )
    assert [field for field, (_, message) in TOLD.items() if message not in below[f"{field}-problem"]] == []


async def test_the_number_that_a_depot_gave_is_sent(page: Page, core_apps: CoreApps) -> None:
    """A tram has no state plate: what stood in the plate before is left out."""
    await page.open((await core_apps(insurers=("sever",))).url)
    await page.click("Заполнить примером")
    await page.run(
        "await page.getByText('Не легковой, с прицепом').click(); "
        "await page.locator(`[id='vehicle.category']`).selectOption('TRAM'); "
        "await page.locator(`[id='vehicle.licensePlate']`).fill('1234')"
    )
    assert (await sent(page))["vehicle"]["licensePlate"] == "1234"
    await ends(page)


async def test_drivers_come_and_go(page: Page, counter: str) -> None:
    """The one behind moves up; the policyholder need not be typed twice."""
    await page.open(counter)
    await page.click("Заполнить примером")
    await page.click("Убрать")
    assert await page.reads("document.getElementById('drivers.listed.0.firstName').value") == "Мария"
    await page.click("Добавить водителя")
    await page.click("Это страхователь")
    assert await page.reads("document.getElementById('drivers.listed.1.firstName').value") == "Илья"


async def test_the_whole_way_goes_by_keyboard(page: Page, core_apps: CoreApps) -> None:
    """Tab, Enter and Space; what comes is announced."""
    await page.open((await core_apps(insurers=("sever", "volga"))).url)
    await page.run(
        "const at = async (name) => { for (let step = 0; step < 80; step += 1) { await page.keyboard.press('Tab'); "
        "if ((await page.evaluate('document.activeElement.innerText')) === name) return; } throw new Error(name) }; "
        "await at('Заполнить примером'); await page.keyboard.press('Enter'); "
        "await at('Узнать цены'); await page.keyboard.press('Space')"
    )
    for _ in range(SENT_MAX):
        await page.waits(f"{ACCEPTED} || document.querySelector('[role=alert]').innerText")
        if await page.reads(ACCEPTED):
            break
        await page.run("await page.keyboard.press('Space')")
    await ends(page)
    assert await page.reads("document.activeElement.tagName") == "H1"
    await page.waits(
        "[...document.querySelectorAll('[role=status]')].some((one) => one.innerText.includes('Подбор окончен. Лучшая цена'))"
    )
    await page.run("await page.keyboard.press('Tab')")
    assert await page.reads("document.activeElement.innerText") == "Изменить"
