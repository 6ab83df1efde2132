"""The page when the network, a tab or core-app's aggregator fails it."""

from dataclasses import replace

import pytest
from support.browser import Browser, Page
from support.core_app import CoreApp, CoreApps, ask, ask_again, ends, has_offers, offers, send
from support.proxy import proxied
from support.stalls import within

from sandbox.core_app.config import CustomerLimit
from sandbox.insurers.script.behaviours import Processing

TOLD_S_MAX = 1.0
LOOK_S = 0.3  # a click and a look take their time, too

pytestmark = pytest.mark.processes


def subscribed_after(frames: list[dict[str, object]]) -> list[object]:
    """The cursors that the page's subscriptions went on from."""
    return [frame["payload"]["variables"]["after"] for frame in frames if frame["type"] == "subscribe"]  # type: ignore[index]


async def test_a_lost_connection_is_said_and_resumed(page: Page, core_apps: CoreApps) -> None:
    """What came meanwhile is there, each once, by the cursor."""
    core_app = await core_apps()
    core_app.keeps_thinking("volga", "ural", behaviour=Processing())
    async with proxied(core_app.api.graphql) as proxy:
        url = await core_app.world.core_app(core_app.api, watch_url=proxy.url.replace("http", "ws", 1))
        await ask(page, CoreApp(core_app.world, core_app.api, url))
        await has_offers(page, 2)
        proxy.go_down()
        await page.shows("Связь потеряна, восстанавливаем…")
        core_app.go_on("volga", "ural")
        proxy.come_back()
        await ends(page)
    assert await offers(page) == ["ural", "volga", "sever", "ladoga"]
    first, *more = subscribed_after(await page.run("return page.frames_sent"))
    assert first is None
    assert more
    assert None not in more


async def test_a_browser_that_goes_offline_says_so_and_goes_on(page: Page, core_apps: CoreApps) -> None:
    """The browser has no internet for a while, as in a lift."""
    core_app = await core_apps(insurers=("sever", "volga"))
    core_app.keeps_thinking("volga", behaviour=Processing())
    await ask(page, core_app)
    await has_offers(page, 1)
    await page.run("await page.context().setOffline(true)")
    await page.shows("Связь потеряна, восстанавливаем…")
    core_app.go_on("volga")
    await page.run("await page.context().setOffline(false)")
    await ends(page)
    assert await offers(page) == ["volga", "sever"]


async def test_a_silent_network_is_noticed(page: Page, core_apps: CoreApps) -> None:
    """No connection breaks, nothing comes any more: a ping finds out within seconds."""
    core_app = await core_apps(insurers=("sever", "volga"))
    core_app.keeps_thinking("volga", behaviour=Processing())
    async with proxied(core_app.api.graphql) as proxy:
        url = await core_app.world.core_app(core_app.api, watch_url=proxy.url.replace("http", "ws", 1))
        await ask(page, CoreApp(core_app.world, core_app.api, url))
        await has_offers(page, 1)
        silence = proxy.trap(lambda _: True, "to_client")
        core_app.go_on("volga")
        await ends(page)
        assert silence.reached.is_set()
    assert await offers(page) == ["volga", "sever"]
    assert subscribed_after(await page.run("return page.frames_sent"))[1:] != []


async def test_a_reload_shows_at_once_what_was_there_and_goes_on(page: Page, core_apps: CoreApps) -> None:
    """The page resumes from its cursor: no event is sent twice."""
    core_app = await core_apps()
    core_app.keeps_thinking("volga", "ural", behaviour=Processing())
    await ask(page, core_app)
    await has_offers(page, 2)
    await page.run("await page.reload({waitUntil: 'domcontentloaded'})")
    await has_offers(page, 2)
    await page.waits("document.querySelector('.progress')")
    core_app.go_on("volga", "ural")
    await ends(page)
    assert await offers(page) == ["ural", "volga", "sever", "ladoga"]
    assert subscribed_after(await page.run("return page.frames_sent"))[-1] is not None


async def test_a_reload_in_the_middle_of_the_form_keeps_it(page: Page, core_apps: CoreApps) -> None:
    """Only this tab keeps the draft: other tabs do not see it."""
    core_app = await core_apps()
    await page.open(core_app.url)
    await page.type("vehicle.make", "Москвич")
    await page.run("await page.reload()")
    assert await page.reads("document.getElementById('vehicle.make').value") == "Москвич"
    other = await page.tab()
    await other.open(core_app.url)
    assert await other.reads("document.getElementById('vehicle.make').value") == ""
    assert await page.reads("JSON.stringify(localStorage)") == "{}"


TOKENS_KEPT = "Object.values(localStorage).map((kept) => JSON.parse(kept).watchToken)"


async def test_an_accepted_draft_is_in_no_storage(page: Page, core_apps: CoreApps) -> None:
    """The page can ask again with it for as long as it is open; a reload begins with an empty form."""
    core_app = await core_apps(insurers=("sever",))
    await ask(page, core_app)
    await ends(page)
    assert await page.reads("sessionStorage.getItem('osago:draft')") is None
    assert await page.reads(TOKENS_KEPT) == [""]
    await page.run("await page.reload()")
    assert await offers(page) == ["sever"]
    await page.run("await page.evaluate(() => { location.hash = '' })")
    await page.waits("document.getElementById('vehicle.make')")
    assert await page.reads("document.getElementById('vehicle.make').value") == ""


async def test_an_expired_token_is_dropped_by_a_page_that_opens_later(page: Page, core_apps: CoreApps) -> None:
    """The request had not ended when its page was closed: no token of it stays behind, and what came is shown."""
    core_app = await core_apps(insurers=("sever", "volga"))
    core_app.keeps_thinking("volga", behaviour=Processing())
    await ask(page, core_app)
    await has_offers(page, 1)
    (token,) = await page.reads(TOKENS_KEPT)
    assert token.count(".") == 2
    await page.run(AT_THE_SERVER, minutes=29)
    assert await page.reads(TOKENS_KEPT) == [token]
    await page.run(AT_THE_SERVER, minutes=31)
    await page.shows("Время подбора вышло")
    assert await page.reads(TOKENS_KEPT) == [""]
    assert await offers(page) == ["sever"]


AT_THE_SERVER = """
await page.unrouteAll();
await page.route(/\\/$/, async (route) => {
  const response = await route.fetch();
  const later = (now) => String(Number(now) + args.minutes * 60_000);
  const body = (await response.text()).replace(/(?<="nowMs": )\\d+/, later);
  await route.fulfill({response, body});
});
await page.reload();
"""
"""Reloads the page as it is when these minutes have passed at the server."""


async def test_an_aggregator_that_says_later_is_asked_later(page: Page, core_apps: CoreApps) -> None:
    """An error with a code that passes is no end: the page subscribes again, behind what it has."""
    core_app = await core_apps(insurers=("sever", "volga"))
    core_app.keeps_thinking("volga", behaviour=Processing())
    await page.open(core_app.url)
    await page.run(SAYS_ONCE, error={"code": "UNAVAILABLE", "retryAfterSeconds": 0.1})
    await page.click("Заполнить примером")
    await send(page)
    await has_offers(page, 1)
    core_app.go_on("volga")
    await ends(page)
    assert await offers(page) == ["volga", "sever"]


async def test_a_request_that_is_lost_can_be_sent_again(page: Page, core_apps: CoreApps) -> None:
    """What the aggregator says once, after a failover that lost it, the page says of this request from then on, and sends the same data anew."""
    core_app = await core_apps(insurers=("sever", "volga"))
    await page.open(core_app.url)
    await page.run(SAYS_ONCE, error={"code": "REQUEST_LOST"})
    await page.click("Заполнить примером")
    await send(page)
    await page.shows("Из-за сбоя заявление не сохранилось")
    assert await page.reads(TOKENS_KEPT) == [""]
    lost = await page.reads("location.hash")
    await ask_again(page)
    await ends(page)
    assert len(await offers(page)) == 2
    await page.open(f"{core_app.url}/{lost}")
    await page.shows("Из-за сбоя заявление не сохранилось")


SAYS_ONCE = """
let said = false;
await page.routeWebSocket(/graphql/, (socket) => {
  const server = socket.connectToServer();
  socket.onMessage((message) => {
    const {id, type} = JSON.parse(message);
    if (type !== 'subscribe' || said) return server.send(message);
    said = true;
    socket.send(JSON.stringify({id, type: 'error', payload: [{message: 'later', extensions: args.error}]}));
  });
});
"""


async def test_a_token_that_has_had_its_time_ends_the_watching(page: Page, core_apps: CoreApps) -> None:
    """A laptop that slept for an hour: what came is still there, and the same data can be asked for again."""
    core_app = await core_apps(insurers=("sever", "volga"))
    core_app.keeps_thinking("volga", behaviour=Processing())
    core_app.world.set(watch_token_ttl="5s")
    await ask(page, replace(core_app, url=await core_app.world.core_app(await core_app.world.api())))
    await has_offers(page, 1)
    await page.shows("Время подбора вышло")
    assert await page.reads(TOKENS_KEPT) == [""]
    assert await offers(page) == ["sever"]
    core_app.go_on("volga")
    await ask_again(page)
    await ends(page)
    assert len(await offers(page)) == 2


async def test_two_tabs_watch_one_request(page: Page, core_apps: CoreApps) -> None:
    """The second one opens the first one's address; each has every offer once."""
    core_app = await core_apps()
    core_app.keeps_thinking("volga", behaviour=Processing())
    await ask(page, core_app)
    await has_offers(page, 3)
    other = await page.tab()
    await other.open(core_app.url + await page.reads("'/' + location.hash"))
    await has_offers(other, 3)
    core_app.go_on("volga")
    for tab in (page, other):
        await ends(tab)
        assert await offers(tab) == ["ural", "volga", "sever", "ladoga"]


async def test_two_tabs_with_a_request_each(page: Page, core_apps: CoreApps) -> None:
    """They do not get into each other's way."""
    core_app = await core_apps(insurers=("sever", "volga"))
    other = await page.tab()
    await ask(page, core_app)
    await ask(other, core_app)
    await ends(page)
    await ends(other)
    assert await page.reads("location.hash") != await other.reads("location.hash")
    assert len(await offers(page)) == len(await offers(other)) == 2


async def test_a_strangers_address_shows_nothing(browser: Browser, page: Page, core_apps: CoreApps) -> None:
    """The number alone is not enough."""
    core_app = await core_apps(insurers=("sever",))
    await ask(page, core_app)
    await ends(page)
    stranger = browser.page()
    await stranger.open(core_app.url + await page.reads("'/' + location.hash"))
    await stranger.shows("Такого заявления здесь нет")


async def test_an_aggregator_that_is_down_is_said_within_a_second(page: Page, core_apps: CoreApps) -> None:
    """Once it is back one click sends the same application again: nothing is filled in twice."""
    core_app = await core_apps(insurers=("sever", "volga"))
    async with proxied(core_app.api.graphql) as proxy:
        url = await core_app.world.core_app(core_app.api, url=proxy.url)
        proxy.go_down()
        await page.open(url)
        await page.click("Заполнить примером")
        with within(TOLD_S_MAX + LOOK_S):
            await page.click("Узнать цены")
            await page.shows("Сервис подбора сейчас не отвечает")
        proxy.come_back()
        await page.click("Отправить ещё раз")
        await page.waits("location.hash.length > 10")
        await ends(page)
    assert len(await offers(page)) == 2


async def test_a_core_app_that_hangs_is_no_lost_internet(page: Page, counter: str) -> None:
    """The page waits no longer than core-app may take, and blames the network only where the browser has none."""
    await page.open(counter)
    await page.click("Заполнить примером")
    await page.run("await page.route('**/applications', () => {}); await page.clock.install()")
    await page.click("Узнать цены")
    await page.run("await page.clock.fastForward(2_600)")
    await page.shows("Сервис не отвечает. Заявление сохранено")
    await page.run("await page.context().setOffline(true)")
    await page.click("Отправить ещё раз")
    await page.run("await page.clock.fastForward(2_600)")
    await page.shows("Нет интернета")


async def test_too_many_applications_are_sent_when_it_is_their_turn(page: Page, core_apps: CoreApps) -> None:
    """The button counts down and sends by itself; what is corrected field by field is no application."""
    limit = CustomerLimit(count=1, per_s=2)
    core_app = await core_apps(insurers=("sever",), core_app={"customer_limit": limit})
    await ask(page, core_app)
    await ends(page)
    first = await page.reads("location.hash")
    await page.click("Изменить")
    await page.type("startsOn", "01.01.2020")
    await page.click("Узнать цены")
    await page.waits(
        f"location.hash.length > 10 && location.hash !== '{first}' || document.querySelector('.field__problem')"
    )
    await page.click("с завтрашнего дня")
    await page.click("Узнать цены")
    await page.waits(f"location.hash.length > 10 && location.hash !== '{first}'")


TOO_MANY_ONCE = """
const answer = {status: 429, contentType: 'application/problem+json', json: {title: 'Много', retryAfterSeconds: 0}};
await page.route('**/applications', (route) => route.fulfill(answer), {times: 1});
"""


async def test_a_wait_of_no_seconds_is_a_wait_too(page: Page, core_apps: CoreApps) -> None:
    """An answer that says "too many" is followed by another try, however short the wait that it names."""
    core_app = await core_apps(insurers=("sever",))
    await page.open(core_app.url)
    await page.click("Заполнить примером")
    await page.run(TOO_MANY_ONCE)
    await page.click("Узнать цены")
    await ends(page)


async def test_a_core_app_that_is_away_is_said_too(page: Page, core_apps: CoreApps) -> None:
    """The filled form stays as it is."""
    core_app = await core_apps(insurers=("sever",))
    await page.open(core_app.url)
    await page.click("Заполнить примером")
    await page.run("await page.route('**/applications', (route) => route.abort())")
    await page.click("Узнать цены")
    await page.shows("Сервис не отвечает")
    assert await page.reads("document.getElementById('vehicle.vin').value") == "XTAGFL110MY654321"
    await page.run("await page.unroute('**/applications')")
    await page.click("Отправить ещё раз")
    await page.waits("location.hash.length > 10")
