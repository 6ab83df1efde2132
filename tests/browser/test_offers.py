"""The customer's whole way, from the form to the best offer, in a real browser."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from support.browser import Browser, Page
from support.core_app import CoreApps, ask, ask_again, ends, has_offers, offers, refusals, send, sent

from sandbox.insurers.script.behaviours import Decline, Garbage, Offer, Processing, WrongField

CHEAP_FIRST = ["ural", "volga", "sever", "ladoga"]
"""By the base rates of the sandbox's catalogue, and the mandatory extra of one of them."""

pytestmark = pytest.mark.processes


async def test_the_way_from_the_form_to_the_best_offer(page: Page, core_apps: CoreApps) -> None:
    """Offers by price, the cheapest marked, and the way to buy it."""
    core_app = await core_apps()
    await ask(page, core_app)
    await ends(page)
    assert await offers(page) == CHEAP_FIRST
    assert await page.reads("[...document.querySelectorAll('.offer--best')].map((one) => one.dataset.insurer)") == [
        "ural"
    ]
    link = await page.reads(
        "(({href, target, rel, ariaLabel}) => ({href, target, rel, ariaLabel}))(document.querySelector('.offer--best a'))"
    )
    assert link["href"].startswith("https://ural.example/buy/")
    assert (link["target"], link["rel"]) == ("_blank", "noopener noreferrer")
    assert "Ural" in link["ariaLabel"]


async def test_a_price_is_explained_on_demand(page: Page, core_apps: CoreApps) -> None:
    """The page shows the seven factors and their product."""
    await ask(page, await core_apps(insurers=("ural",)))
    await ends(page)
    assert await page.reads("document.querySelector('.factors')") is None
    await page.click("Как посчитали цену: Ural")
    await page.shows("Базовый тариф")
    assert await page.reads("document.querySelectorAll('.factors__line').length") == 8
    shown = await page.reads("document.querySelector('.factors__line--total dd').textContent")
    price = await page.reads("document.querySelector('.offer__price').textContent")
    assert "".join(shown.split()) == "".join(price.split())


async def test_a_single_offer_is_not_called_the_best(page: Page, core_apps: CoreApps) -> None:
    """There is none to compare it with."""
    await ask(page, await core_apps(insurers=("volga",)))
    await ends(page)
    heading = await page.reads("document.querySelector('h1').textContent")
    assert heading.startswith("1 предложение")
    assert "лучш" not in heading


async def test_insurers_that_are_awaited_have_their_names_on_a_phone(browser: Browser, core_apps: CoreApps) -> None:
    """On a phone, too, the full name stands beside the initials."""
    page = browser.page(viewport={"width": 360, "height": 740})
    core_app = await core_apps()
    core_app.keeps_thinking("volga", behaviour=Processing())
    await ask(page, core_app)
    await has_offers(page, 3)
    name = "document.querySelector('.awaited__name')"
    assert await page.reads(f"{name}.textContent") == "Volga"
    assert await page.reads(f"{name}.offsetWidth") > 20
    assert await page.reads("document.documentElement.scrollWidth") <= 360


async def test_offers_arrive_one_by_one_and_a_cheaper_one_moves_to_the_top(
    browser: Browser, core_apps: CoreApps
) -> None:
    """The offers move visibly to their places."""
    page = browser.page(reducedMotion="no-preference")
    core_app = await core_apps()
    core_app.keeps_thinking("volga", "ural", behaviour=Processing())
    await ask(page, core_app)
    await has_offers(page, 2)
    assert await offers(page) == ["sever", "ladoga"]
    await page.shows("Проверили 2 из 4")
    assert await page.reads("document.querySelector('[role=progressbar]').ariaValueNow") == "2"
    assert 0 < int(await page.reads("document.querySelector('[role=timer] > span').textContent")) <= 120
    await page.run(
        "await page.evaluate(() => { window.moved = []; const animate = Element.prototype.animate; "
        "Element.prototype.animate = function (...how) { moved.push(this.dataset.insurer); return animate.apply(this, how) } })"
    )
    core_app.go_on("volga", "ural")
    await ends(page)
    assert await offers(page) == CHEAP_FIRST
    assert {"sever", "ladoga", "volga"} <= set(await page.reads("moved"))
    assert await page.went_wrong() == []


async def test_who_wants_less_motion_sees_none(browser: Browser, core_apps: CoreApps) -> None:
    """`prefers-reduced-motion` switches all animations off."""
    page = browser.page(reducedMotion="reduce")
    core_app = await core_apps(insurers=("sever", "volga"))
    core_app.keeps_thinking("volga", behaviour=Processing())
    await ask(page, core_app)
    await has_offers(page, 1)
    await page.run("await page.evaluate(() => { window.moved = 0; Element.prototype.animate = () => { moved += 1 } })")
    core_app.go_on("volga")
    await ends(page)
    assert await page.reads("moved") == 0
    assert await page.reads("document.getAnimations().length") == 0


async def test_refusals_have_their_reasons_and_breakdowns_one_line(page: Page, core_apps: CoreApps) -> None:
    """Quietly, below the offers; the tally counts no breakdown as an answer, and those that broke down are asked again alone."""
    core_app = await core_apps()
    core_app.keeps_thinking("sever", behaviour=Decline(code="KBM_TOO_HIGH"))
    core_app.keeps_thinking("volga", behaviour=Decline(code="SOMETHING_ELSE"))
    core_app.keeps_thinking("ladoga", behaviour=Garbage())
    await ask(page, core_app)
    await ends(page)
    assert await offers(page) == ["ural"]
    said = await refusals(page)
    assert "КБМ" in said["sever"]
    assert "Причину компания не назвала" in said["volga"]
    assert said["ladoga"] == "Ladoga"
    await page.shows("1 предложение · 2 отказа · 1 без ответа")
    core_app.go_on("ladoga")
    first = await page.reads("location.hash")
    await page.click("Спросить её ещё раз")
    await page.waits(f"location.hash !== '{first}'")
    await ends(page)
    assert await offers(page) == ["ladoga"]
    assert await refusals(page) == {}
    await page.click("Ответы остальных компаний", role="link")
    await page.waits("document.querySelector('.offer[data-insurer=ural]')")
    assert await page.reads("location.hash") == first


async def test_a_stub_says_what_happened(page: Page, core_apps: CoreApps) -> None:
    """Refusals are no time-outs; only those that did not answer are asked again."""
    core_app = await core_apps(insurers=("sever", "volga", "ural"))
    core_app.keeps_thinking("sever", "volga", behaviour=Decline(code="QUOTA_EXHAUSTED"))
    core_app.keeps_thinking("ural", behaviour=Garbage())
    await ask(page, core_app)
    await ends(page)
    await page.shows("Отказ: 2 компании, без ответа: 1.")
    core_app.go_on("ural")
    await page.click("Спросить ещё раз 1 компанию")
    await has_offers(page, 1)
    assert await offers(page) == ["ural"]


async def test_no_offer_at_all_shows_the_stub_and_asks_again(page: Page, core_apps: CoreApps) -> None:
    """The same data is sent as a new application."""
    core_app = await core_apps(insurers=("sever", "volga"))
    core_app.keeps_thinking("sever", "volga", behaviour=Processing())
    core_app.world.set(quote_deadline="8s")
    api = await core_app.world.api()
    page_url = await core_app.world.core_app(api)
    await ask(page, replace(core_app, url=page_url))
    await ends(page)
    await page.shows("Пока предложений нет")
    assert set(await refusals(page)) == {"sever", "volga"}
    first = await page.reads("location.hash")
    core_app.go_on("sever", "volga")
    await page.click("Спросить ещё раз")
    await page.waits(f"location.hash !== '{first}'")
    await ends(page)
    assert len(await offers(page)) == 2


async def test_an_expired_offer_says_so_and_is_asked_for_again(page: Page, core_apps: CoreApps) -> None:
    """It is not for sale, and not the best one, however cheap."""
    core_app = await core_apps(insurers=("sever", "volga"))
    await page.run("await page.clock.install()")
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="seconds")
    core_app.world.sandbox.script("sever", Offer(premium="1000.00", valid_until=until))
    await ask(page, core_app)
    await ends(page)
    assert await offers(page) == ["sever", "volga"]
    await page.run("await page.clock.fastForward('01:00:01')")
    await page.waits("document.querySelector('.offer--expired')?.dataset.insurer === 'sever'")
    await page.shows("Срок истёк")
    assert await offers(page) == ["volga", "sever"]
    assert await page.reads("document.querySelector('.offer--best').dataset.insurer") == "volga"
    assert await page.reads("document.querySelector('.offer--expired a')") is None
    assert await page.reads("document.querySelectorAll('.again button').length") == 2
    await ask_again(page)
    await ends(page)
    assert await page.reads("document.querySelectorAll('.offer--expired').length") == 0


async def test_an_offer_ends_by_moscows_clock(browser: Browser, core_apps: CoreApps) -> None:
    """The text holds in any time zone, and has the year where it is not this one."""
    page = browser.page(timezoneId="America/New_York")
    core_app = await core_apps(insurers=("sever",))
    core_app.world.sandbox.script("sever", Offer(premium="1000.00", valid_until="2019-12-31T18:00:00Z"))
    await ask(page, core_app)
    await ends(page)
    await page.shows("Срок истёк 31 декабря 2019, 21:00\u00a0мск")
    await page.shows("Срок предложений истёк")


@pytest.mark.parametrize("ahead_h", [1, -26])
async def test_a_device_with_a_wrong_clock_sees_what_holds(page: Page, core_apps: CoreApps, ahead_h: int) -> None:
    """Offers, days and the time that is left go by the server's clock."""
    core_app = await core_apps(insurers=("sever",))
    now = datetime.now(UTC)
    until = (now + timedelta(minutes=30)).isoformat(timespec="seconds")
    core_app.world.sandbox.script("sever", Offer(premium="1000.00", valid_until=until))
    await page.run("await page.clock.install({time: args.ms})", ms=(now + timedelta(hours=ahead_h)).timestamp() * 1000)
    await page.open(core_app.url)
    await page.click("с завтрашнего дня")
    tomorrow = (datetime.now(ZoneInfo("Europe/Moscow")) + timedelta(days=1)).strftime("%d.%m.%Y")
    assert await page.reads("document.getElementById('startsOn').value") == tomorrow
    await page.click("Заполнить примером")
    await send(page)
    await ends(page)
    assert await page.reads("document.querySelector('.offer--best').dataset.insurer") == "sever"
    await page.run("await page.reload()")
    await has_offers(page, 1)
    assert await page.reads("document.querySelector('.offer--expired')") is None


async def test_a_price_says_what_each_factor_does(page: Page, core_apps: CoreApps) -> None:
    """A coefficient above one makes it dearer: no word of a discount."""
    await ask(page, await core_apps(insurers=("volga",)))
    await ends(page)
    await page.click("Как посчитали цену: Volga")
    said = await page.reads("[...document.querySelectorAll('.factors small')].map((one) => one.innerText)")
    assert any(one.startswith("дороже на 17\u00a0%: как без истории страхования") for one in said)
    assert any(one.startswith("дешевле на 7\u00a0%: ") for one in said)


@pytest.mark.parametrize(
    "address", ["http://volga.example/buy", "javascript:alert(1)", "https://volga.example@evil.example/", "//x", None]
)
async def test_only_a_plain_https_address_is_a_way_to_buy(page: Page, core_apps: CoreApps, address: str | None) -> None:
    """Only a plain HTTPS link is shown; one that is kept in the browser's storage is checked again."""
    core_app = await core_apps(insurers=("volga",))
    await ask(page, core_app)
    await ends(page)
    await page.run(
        "await page.evaluate((address) => { const key = 'osago:request:' + location.hash.slice(2); "
        "const kept = JSON.parse(localStorage[key]); kept.quotes[0].offer.purchaseUrl = address; "
        "localStorage[key] = JSON.stringify(kept) }, args.address); await page.reload()",
        address=address,
    )
    await has_offers(page, 1)
    assert await page.reads("document.querySelector('.offer a')") is None
    await page.shows("Оформление — у компании")


async def test_what_is_paid_decides_and_what_can_be_mended_is_one_click_away(page: Page, core_apps: CoreApps) -> None:
    """Mandatory extras are in the price, by name; a refusal leads to its field, and everything else stays as it was."""
    core_app = await core_apps()
    licence = WrongField(path=["drivers", "listed", "1", "license", "number"], code="DATA_NOT_CONFIRMED")
    core_app.keeps_thinking("sever", behaviour=Decline(code="DATA_NOT_CONFIRMED", problems=[licence]))
    extra = {"code": "LIFE", "name": "Защита в дороге", "price": "5000.00", "mandatory": True}
    moved = (datetime.now(UTC) + timedelta(days=13)).date().isoformat()
    core_app.keeps_thinking("volga", behaviour=Offer(premium="21000.00", extras=[extra], starts_on=moved))
    await ask(page, core_app)
    await ends(page)
    assert await offers(page) == ["ural", "ladoga", "volga"]
    await page.shows("Полис 21 000 ₽ и обязательно: Защита в дороге — 5 000 ₽")
    await page.shows("Начнёт действовать")
    await page.click("Как посчитали цену: Ural")
    said = await page.reads("[...document.querySelectorAll('.factors small')].map((one) => one.innerText)")
    assert any(one.endswith("решает Илья К.") for one in said)
    await page.click("Исправить для компании Sever")
    await page.waits("document.activeElement.id === 'drivers.listed.1.license.number'")
    await page.type("drivers.listed.1.license.number", "99 23 456799")
    core_app.go_on("sever", "volga")
    assert (await sent(page))["vehicle"]["vin"] == "XTAGFL110MY654321"
    await ends(page)
    assert len(await offers(page)) == 4
