"""What the page asks for: little of most customers, everything of those with a rare case."""

from typing import Any, Final

import pytest
from support.browser import Page
from support.core_app import CoreApp, CoreApps, ends, offers, refused, send, sent

pytestmark = pytest.mark.processes

USUAL: Final = [
    *("vehicle.licensePlate", "plate-region", "vehicle.make", "vehicle.model", "vehicle.year", "vehicle.enginePower"),
    *(
        "vehicle.purpose",
        "vehicle.vin",
        "vehicle.document.kind",
        "vehicle.document.number",
        "vehicle.document.issuedOn",
    ),
    *(f"policyholder.person.{name}" for name in ("lastName", "firstName", "middleName", "birthDate")),
    *("policyholder.person.document.number", "policyholder.person.document.issuedOn"),
    *(f"policyholder.person.{name}" for name in ("address.kladr", "address.text", "phone", "email")),
    *("owner is", "are drivers unlimited"),
    *(f"drivers.listed.0.{name}" for name in ("lastName", "firstName", "middleName", "birthDate")),
    *("drivers.listed.0.license.number", "drivers.listed.0.drivingSince"),
    *("startsOn", "usageMonths", "consent"),
]
"""What an insurer needs if the policyholder drives the own car."""


async def test_the_usual_customer_sees_no_field_that_is_not_needed(page: Page, counter: str) -> None:
    """Everything that is rare is folded away."""
    await page.open(counter)
    seen = await page.reads(
        "[...document.querySelectorAll('input, select')].filter((one) => one.checkVisibility()).map((one) => one.id || one.name)"
    )
    assert list(dict.fromkeys(seen)) == USUAL


HELPERS: Final = """
const fill = (id, text) => page.locator(`[id='${id}']`).fill(text);
const choose = (id, value) => page.locator(`[id='${id}']`).selectOption(value);
const open = (title, at = 0) => page.locator('summary', {hasText: title}).nth(at).click();
const fillAll = async (above, values) => { for (const [key, text] of Object.entries(values)) await fill(`${above}.${key}`, text); };
await page.getByRole('button', {name: 'Заполнить примером'}).click();
"""
RARE: Final[dict[str, str]] = {
    "a child as owner": """
await choose('owner is', 'person');
await fillAll('owner.person', {lastName: 'Кузнецова', firstName: 'Анна', birthDate: args.childBorn, 'address.text': 'г Москва, ул Лесная, д 7'});
await choose('owner.person.document.kind', 'BIRTH_CERTIFICATE');
await fillAll('owner.person.document', {number: 'III-МЮ 123456', issuedOn: args.childRegistered});
""",
    "an organisation's lorry with a trailer": """
await page.getByRole('button', {name: 'Это организация'}).click();
await fillAll('policyholder.organisation', {name: 'ООО «Ромашка»', inn: '7701999009', kpp: '770101001', ogrn: '1197746999999',
  'address.text': 'г Москва, ул Примерная, д 19', phone: '+7 495 000-00-00', email: 'info@example.com'});
await open('Не легковой');
await choose('vehicle.category', 'C');
await fill('vehicle.maxMassKg', '12000');
await page.getByText('Езжу с прицепом').click();
await choose('vehicle.purpose', 'OTHER');
await fill('vehicle.vin', '');
await open('Нет VIN?');
await fillAll('vehicle', {bodyNumber: 'ae100-1234567', chassisNumber: '4310-12'});
await page.getByText('ЭПТС', {exact: true}).click();
await fill('vehicle.document.number', '164301012345678');
await page.getByText('Без ограничения водителей').click();
await choose('usageMonths', '7');
""",
    "a foreigner with his own papers": """
await open('Другой документ');
await choose('policyholder.person.document.kind', 'FOREIGN_PASSPORT');
await choose('policyholder.person.citizenship', 'UZ');
await fill('policyholder.person.document.number', 'AB1234567');
await open('Меняли права');
await choose('drivers.listed.0.license.country', 'BY');
await fill('drivers.listed.0.license.number', '3ем027123');
await fill('drivers.listed.0.license.issuedOn', '01.01.2019');
await open('Меняли права', 1);
await fillAll('drivers.listed.1.previousLicense', {number: '77ОМ123456', lastName: 'Сидорова'});
await open('Был полис');
await fillAll('previousPolicy', {series: 'xxx', number: '0123456789'});
""",
    "a tractor": """
await open('Не легковой');
await choose('vehicle.category', 'TRACTOR');
await fill('vehicle.licensePlate', '1234АВ77');
await fill('vehicle.vin', '');
await open('Нет VIN?');
await fill('vehicle.bodyNumber', '804123456');
await page.getByText('ПСМ', {exact: true}).click();
await fill('vehicle.document.number', 'ВЕ123456');
await page.getByText('Без ограничения водителей').click();
""",
}


async def sent_by(page: Page, core_app: CoreApp, case: str) -> dict[str, Any]:
    """The application that goes out after the case is filled in; the page shows its offers then."""
    await page.open(core_app.url)
    this_year = int(await page.reads("new Date().getFullYear()"))
    born, registered = f"12.04.{this_year - 10}", f"20.04.{this_year - 10}"
    await page.run(HELPERS + RARE[case], childBorn=born, childRegistered=registered)
    return await sent(page)


async def test_rare_applications_are_made_on_the_page_and_get_offers(page: Page, core_apps: CoreApps) -> None:
    """A child's car, an organisation's lorry with a trailer, foreign papers, a tractor: each as its owner has them."""
    core_app = await core_apps(insurers=("sever", "volga"))
    applied = {}
    for case in (
        "a child as owner",
        "an organisation's lorry with a trailer",
        "a foreigner with his own papers",
        "a tractor",
    ):
        applied[case] = await sent_by(page, core_app, case)
        await ends(page)
        assert set(await offers(page)) == {"sever", "volga"}, case

    owner = applied["a child as owner"]["owner"]["person"]
    assert owner["document"]["kind"] == "BIRTH_CERTIFICATE"
    assert owner["address"]["kladr"] == "7700000000000"
    lorry = applied["an organisation's lorry with a trailer"]
    assert lorry["policyholder"]["organisation"]["ogrn"] == "1197746999999"
    assert "person" not in lorry["policyholder"]
    assert lorry["vehicle"].items() >= {"category": "C", "maxMassKg": 12000, "withTrailer": True}.items()
    assert lorry["vehicle"]["document"]["kind"] == "ELECTRONIC_PASSPORT"
    assert (lorry["drivers"], lorry["usageMonths"]) == ({"unlimited": True}, 7)
    foreigner = applied["a foreigner with his own papers"]
    assert foreigner["policyholder"]["person"]["document"].items() >= {"country": "UZ", "number": "AB1234567"}.items()
    first, second = foreigner["drivers"]["listed"]
    assert first["license"] == {"number": "3ЕМ027123", "issuedOn": "2019-01-01", "country": "BY"}
    assert second["previousLicense"] == {"number": "77 ОМ 123456", "lastName": "Сидорова"}
    assert foreigner["previousPolicy"] == {"series": "ХХХ", "number": "0123456789"}
    assert applied["a tractor"]["vehicle"]["document"]["kind"] == "SELF_PROPELLED_PASSPORT"


async def test_consent_is_asked_for_and_names_its_recipients(page: Page, core_apps: CoreApps) -> None:
    """Without it nothing is sent; its version, its moment and the consent of others are sent with the application."""
    core_app = await core_apps(insurers=("sever", "volga"))
    await page.open(core_app.url)
    await page.click("Заполнить примером")
    await page.run(
        "for (const id of ['consent', 'consent.othersInformed']) await page.locator(`[id='${id}']`).uncheck()"
    )
    await page.click("Узнать цены")
    await page.shows("Проверьте 2 поля")
    assert await page.reads("document.activeElement.id") == "consent"
    await page.run("await page.getByText('Текст согласия').click()")
    await page.shows("Получатели: Sever, Volga.")
    await page.run("for (const id of ['consent', 'consent.othersInformed']) await page.locator(`[id='${id}']`).check()")
    consent = (await sent(page))["consent"]
    assert consent["othersInformed"] is True
    assert consent["textVersion"]
    assert consent["givenAt"].endswith("Z")
    await ends(page)


async def test_who_drives_alone_need_not_inform_others(page: Page, counter: str) -> None:
    """Without other drivers the form has no consent of others to ask for."""
    await page.open(counter)
    await page.click("Заполнить примером")
    assert await page.reads("Boolean(document.getElementById('consent.othersInformed'))")
    await page.run("await page.getByRole('button', {name: 'Убрать'}).nth(1).click()")
    assert not await page.reads("Boolean(document.getElementById('consent.othersInformed'))")


async def test_a_problem_of_a_whole_object_stands_at_one_of_its_fields(page: Page, core_apps: CoreApps) -> None:
    """A part of the form that is folded away opens for the problem."""
    core_app = await core_apps(insurers=("sever",))
    await page.open(core_app.url)
    await page.click("Заполнить примером")
    await page.type("policyholder.person.document.issuedOn", "19.01.2000")
    await page.run(
        HELPERS.replace("await page.getByRole('button', {name: 'Заполнить примером'}).click();", "")
        + """
await open('Меняли права');
await fill('drivers.listed.0.previousLicense.number', '00 00 000000');
await open('Меняли права');
"""
    )
    await refused(page, "2 поля")
    wrong = await page.reads(
        "[...document.querySelectorAll('[aria-invalid=true]')].map((one) => [one.id, one.checkVisibility()])"
    )
    assert ["drivers.listed.0.previousLicense.number", True] in wrong
    assert all(is_seen for _, is_seen in wrong)


async def test_what_may_be_a_typing_error_is_shown_beside_the_offers(page: Page, core_apps: CoreApps) -> None:
    """It was accepted; one click leads to the field, and everything else is as it was."""
    core_app = await core_apps(insurers=("sever",))
    await page.open(core_app.url)
    await page.click("Заполнить примером")
    await page.type("vehicle.vin", "XTAGFL110MYABCDEF")
    await send(page)
    await page.shows("Нет ли в нём опечатки?")
    await ends(page)
    await page.click("Проверить")
    await page.waits("document.activeElement.id === 'vehicle.vin'")
    assert await page.reads("document.getElementById('vehicle.make').value") == "Lada"
