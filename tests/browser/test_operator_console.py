"""The operator's console in a real browser: it signs in, shows what is there, acts after a question, and is for everyone to use."""

import gzip
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
from support.accessibility import violations
from support.backlogs import many_jobs_wait
from support.browser import Browser, Page
from support.console import ACT
from support.foreign import npm_ci
from support.stalls import within
from support.world import ApiAtHand, World

from app.postgres.database import read_time

SKEW_S: Final = 30.0
ROOT: Final = Path(__file__).parents[2]
STATIC: Final = ROOT / "app/api/static/operator"
GZIPPED_BYTES_MAX: Final = 80 * 1000
PHONE: Final = {"viewport": {"width": 360, "height": 740}, "hasTouch": True, "isMobile": True}
LOOKS: Final[dict[str, dict[str, Any]]] = {
    "light-1400": {"colorScheme": "light", "viewport": {"width": 1400, "height": 900}},
    "dark-phone": {"colorScheme": "dark", **PHONE},
}

pytestmark = pytest.mark.processes


async def signed_in(page: Page, world: World, api: ApiAtHand) -> None:
    """By the form, as an operator does it."""
    await page.open(f"{api.url}/operator")
    await page.shows("Сервисный токен")
    await page.type("token", world.token("ivanova", ACT))
    await page.click("Войти")
    await page.shows("В эфире")


@pytest.mark.parametrize("look", LOOKS)
async def test_an_operator_finds_the_insurer_and_pauses_it(browser: Browser, world: World, look: str) -> None:
    """It is paused by its name, with a reason; axe finds nothing, and nothing is wider than the screen."""
    page = browser.page(**LOOKS[look])
    world.write_insurers("sever", "volga")
    api = await world.api()
    accepted = await world.accepted(api, clientReference="order-7")
    found: list[str] = []

    async def look_at(section: str) -> None:
        found.extend(f"{section}: {violation}" for violation in await violations(page))
        assert await page.reads("document.documentElement.scrollWidth <= innerWidth"), section

    await page.open(f"{api.url}/operator")
    await page.shows("Сервисный токен")
    await look_at("sign-in")
    await page.type("token", "not a token")
    await page.click("Войти")
    await page.shows("Токен не действует")
    await signed_in(page, world, api)
    await page.shows("Нет ни одного живого обработчика")
    await look_at("overview")
    await page.click("Sever", role="link")
    await page.click("Поставить на паузу")
    await page.run("await page.getByLabel('Зачем').fill('техработы')")
    await look_at("question")
    await page.run("await page.locator('dialog button.main').click()")
    await page.shows("На паузе")
    await look_at("insurer")
    for section, shown in (
        ("Процессы", "Процессы API"),
        ("Мёртвые письма", "Мёртвых писем нет"),
        ("Управление", "техработы"),
        ("Заявка", "записывается в аудит"),
    ):
        await page.click(section, role="link")
        await page.shows(shown)
        await look_at(section)
    await page.type("subject", "order-7")
    await page.click("Найти")
    await page.shows(accepted["quoteRequest"]["id"])
    await look_at("request")
    await page.click("Отменить заявку")
    await page.run("await page.getByLabel('Зачем').fill('клиент ушёл')")
    await look_at("cancelling")
    await page.run("await page.locator('dialog button.danger').click()")
    await page.shows("Заявка отменена")
    newest = (await api.app.state.resources.controls.audit(most=3))[0:3]
    cancelled = next(entry for entry in newest if entry.action == "cancelled")
    assert (cancelled.author, cancelled.why) == ("ivanova", "клиент ушёл")
    assert [str(id_) for id_ in cancelled.request_ids] == [accepted["quoteRequest"]["id"]]
    assert found == []
    assert await page.went_wrong() == []


@pytest.mark.parametrize("look", LOOKS)
async def test_a_red_line_leads_to_its_runbook_in_both_languages(
    browser: Browser, world: World, look: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here of a clock that is off; the page comes with the console, and axe finds nothing in it."""
    page = browser.page(**LOOKS[look])
    world.write_insurers("sever")
    api = await world.api()
    resources = api.app.state.resources
    wall = resources.clock.wall
    monkeypatch.setattr(resources.clock, "wall", lambda: wall() + SKEW_S)
    await resources.clock.sync(lambda: read_time(resources.pool))
    await signed_in(page, world, api)
    await page.shows("часы узла расходятся с PostgreSQL")
    await page.run("await page.getByRole('link', { name: /Что делать: .*часы узла/ }).click()")
    await page.shows("Исправить часы.")
    await page.shows("chronyc tracking")
    assert [*await violations(page)] == []
    assert await page.reads("document.documentElement.scrollWidth <= innerWidth")
    await page.click("EN – Language: English")
    await page.shows("Correct the clock.")
    assert await page.went_wrong() == []


async def test_old_figures_are_said_to_be_old_and_signing_out_leaves_nothing(browser: Browser, world: World) -> None:
    """What comes no more does not look live; the token is nowhere in the browser."""
    page = browser.page(**LOOKS["light-1400"])
    world.write_insurers("sever")
    api = await world.api()
    await signed_in(page, world, api)
    async with api.app.state.console.feed._reading:  # a read that lasts: no snapshot comes meanwhile
        await page.shows("Данные устарели")
    await page.shows("В эфире")
    await page.click("Выйти")
    await page.shows("Сервисный токен")
    assert await page.reads("document.cookie") == ""
    assert (
        await page.reads("Object.keys({...localStorage, ...sessionStorage}).filter((key) => /token/i.test(key)).length")
        == 0
    )


@pytest.mark.long
async def test_the_overview_of_a_large_system_is_painted_within_a_second(browser: Browser, world: World) -> None:
    """A hundred thousand jobs wait at sixty insurers; the time is from the address to the last row."""
    page = browser.page(**LOOKS["light-1400"])
    await many_jobs_wait(world)
    api = await world.api()
    await signed_in(page, world, api)
    with within(1.0, *world.server_pids):
        await page.run("await page.reload(); await page.locator('tbody tr').nth(59).waitFor()")
    print(f"painted after {await page.reads('performance.now()'):.0f} ms")


def test_the_console_is_small() -> None:
    """Everything that a browser fetches, typeface included."""
    files = [path for path in STATIC.iterdir() if path.suffix in {".html", ".js", ".css", ".woff2", ".svg"}]
    packed = {path.name: len(gzip.compress(path.read_bytes())) for path in files}
    assert {"index.html", "console.js", "console.css"} <= packed.keys()
    assert sum(packed.values()) <= GZIPPED_BYTES_MAX, packed


@pytest.mark.compat  # it is npm that builds
def test_the_built_console_is_that_of_the_sources(tmp_path: Path) -> None:
    """A change of the page comes with the copy that travels in the wheel: `make console`."""
    shutil.copytree(ROOT / "frontend", tmp_path / "frontend", ignore=shutil.ignore_patterns("node_modules"))
    folder = tmp_path / "frontend/operator"
    npm_ci(folder)
    subprocess.run(["npm", "run", "build"], cwd=folder, check=True, capture_output=True)  # noqa: S607
    built = tmp_path / "app/api/static/operator"
    assert {path.name for path in built.iterdir()} == {path.name for path in STATIC.iterdir()}
    differing = [path.name for path in built.iterdir() if path.read_bytes() != (STATIC / path.name).read_bytes()]
    assert differing == []
