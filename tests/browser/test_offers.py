"""The customer's whole way, from the form to the best offer, in a real browser."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from support.browser import Browser, Page
from support.core_app import CoreApps, ask, ends, has_offers, offers, refusals

from sandbox.insurers.script.behaviours import Decline, Offer, Processing

CHEAP_FIRST = ["volga", "ural", "sever", "ladoga"]
"""By the base rates of the sandbox's catalogue."""

pytestmark = pytest.mark.processes


async def test_the_way_from_the_form_to_the_best_offer(page: Page, core_apps: CoreApps) -> None:
    """Offers by price, the cheapest marked, and the way to buy it."""
    core_app = await core_apps()
    await ask(page, core_app)
    await ends(page)
    assert await offers(page) == CHEAP_FIRST
    assert await page.reads("[...document.querySelectorAll('.offer--best')].map((one) => one.dataset.insurer)") == [
        "volga"
    ]
    link = await page.reads(
        "(({href, target, rel, ariaLabel}) => ({href, target, rel, ariaLabel}))(document.querySelector('.offer--best a'))"
    )
    assert link["href"].startswith("https://volga.example/buy/")
    assert (link["target"], link["rel"]) == ("_blank", "noopener noreferrer")
    assert "Volga" in link["ariaLabel"]


async def test_a_price_is_explained_on_demand(page: Page, core_apps: CoreApps) -> None:
    """Seven factors and their product."""
    await ask(page, await core_apps(insurers=("volga",)))
    await ends(page)
    assert await page.reads("document.querySelector('.factors')") is None
    await page.click("Как посчитали цену: Volga")
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
    """Initials alone name none."""
    page = browser.page(viewport={"width": 360, "height": 740})
    core_app = await core_apps()
    core_app.keeps_thinking("volga", behaviour=Processing())
    await ask(page, core_app)
    await has_offers(page, 3)
    name = "document.querySelector('.awaited__name')"
    assert await page.reads(f"{name}.textContent") == "Volga"
    assert await page.reads(f"{name}.offsetWidth") > 20
    assert await page.reads("document.documentElement.scrollWidth") <= 360


async def test_offers_arrive_one_by_one_and_a_cheaper_one_moves_to_the_top(page: Page, core_apps: CoreApps) -> None:
    """With a movement that the eye can follow."""
    core_app = await core_apps()
    core_app.keeps_thinking("volga", "ural", behaviour=Processing())
    await ask(page, core_app)
    await has_offers(page, 2)
    assert await offers(page) == ["sever", "ladoga"]
    await page.shows("2 из 4 ответили")
    assert await page.reads("document.querySelector('[role=progressbar]').ariaValueNow") == "2"
    assert 0 < int(await page.reads("document.querySelector('[role=timer] > span').textContent")) <= 30
    await page.run(
        "await page.evaluate(() => { window.moved = []; const animate = Element.prototype.animate; "
        "Element.prototype.animate = function (...how) { moved.push(this.dataset.insurer); return animate.apply(this, how) } })"
    )
    core_app.go_on("volga", "ural")
    await ends(page)
    assert await offers(page) == CHEAP_FIRST
    assert {"sever", "ladoga", "volga"} <= set(await page.reads("moved"))


async def test_who_wants_less_motion_sees_none(browser: Browser, core_apps: CoreApps) -> None:
    """`prefers-reduced-motion`."""
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


async def test_refusals_and_breakdowns_stand_below_with_their_reasons(page: Page, core_apps: CoreApps) -> None:
    """Quietly; offers are what the customer came for."""
    core_app = await core_apps()
    core_app.keeps_thinking("sever", behaviour=Decline(code="KBM_TOO_HIGH"))
    core_app.world.sandbox.set_mode("ural", None)
    await ask(page, core_app)
    await ends(page)
    assert await offers(page) == ["volga", "ural", "ladoga"]
    assert "Отказ" in (await refusals(page))["sever"]


async def test_no_offer_at_all_shows_the_stub_and_asks_again(page: Page, core_apps: CoreApps) -> None:
    """With the same data, as a new application."""
    core_app = await core_apps(insurers=("sever", "volga"))
    core_app.keeps_thinking("sever", "volga", behaviour=Processing())
    core_app.world.set(quote_deadline="3s")
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
    first = await page.reads("location.hash")
    await page.click("Запросить снова")
    await page.waits(f"location.hash !== '{first}'")
    await ends(page)
    assert await page.reads("document.querySelectorAll('.offer--expired').length") == 0


@pytest.mark.parametrize(
    "address", ["http://volga.example/buy", "javascript:alert(1)", "https://volga.example@evil.example/", "//x", None]
)
async def test_only_a_plain_https_address_is_a_way_to_buy(page: Page, core_apps: CoreApps, address: str | None) -> None:
    """Whoever sent it, and wherever it was kept."""
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
