"""How the page is made: accessible in every state, fit for a phone, small, and built from its sources."""

import gzip
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
from support.accessibility import violations
from support.browser import Browser, Page
from support.core_app import CoreApps, ask, ask_again, ends, has_offers
from support.foreign import npm_ci

from sandbox.insurers.script.behaviours import Decline, Garbage, Offer, Processing

ROOT: Final = Path(__file__).parents[2]
STATIC: Final = ROOT / "sandbox/core_app/static"
GZIPPED_BYTES_MAX: Final = 100 * 1000
PHONE: Final = {"viewport": {"width": 360, "height": 740}, "hasTouch": True, "isMobile": True}
SMALLEST: Final = {**PHONE, "viewport": {"width": 320, "height": 640}}
"""As 400 % of zoom leave of a desktop."""
LOOKS: Final[dict[str, dict[str, Any]]] = {
    "light": {"colorScheme": "light"},
    "dark-phone": {"colorScheme": "dark", **PHONE},
    "light-smallest": {"colorScheme": "light", **SMALLEST},
    "forced-colours": {"colorScheme": "dark", "forcedColors": "active", "reducedMotion": "reduce", **PHONE},
}

pytestmark = pytest.mark.processes


ENDS_MOVEMENTS: Final = "await page.evaluate(() => document.getAnimations().forEach((one) => (one.effect.getComputedTiming().endTime === Infinity ? one.currentTime = 800 : one.finish())))"
"""What glides has arrived, what repeats is in the middle: axe measures what it meets."""


async def fits(page: Page) -> None:
    """Nothing is wider than the screen."""
    assert await page.reads("document.documentElement.scrollWidth") <= await page.reads("innerWidth")


@pytest.mark.compat  # axe is the judge
@pytest.mark.parametrize("look", LOOKS)
async def test_axe_finds_nothing_in_any_state(browser: Browser, core_apps: CoreApps, look: str) -> None:
    """Empty form, problems, live, without a connection, ended with everything open, expired, the stub, the way back, none."""
    page = browser.page(**LOOKS[look])
    core_app = await core_apps()
    found: list[tuple[str, str]] = []

    async def look_at(state: str) -> None:
        await page.run(ENDS_MOVEMENTS)
        found.extend((state, violation) for violation in await violations(page))
        await fits(page)

    await page.open(core_app.url)
    await look_at("empty")
    await page.click("Узнать цены")
    await page.shows("Проверьте 21 поле")
    await page.run(
        "for (const more of await page.locator('details').all()) await more.evaluate((one) => one.open = true)"
    )
    await page.run("await page.locator(`[id='owner is']`).selectOption('organisation')")
    await look_at("problems")
    core_app.keeps_thinking("volga", behaviour=Processing())
    core_app.keeps_thinking("ural", behaviour=Decline(code="KBM"))
    await ask(page, core_app)
    await has_offers(page, 2)
    await look_at("live")
    await page.run("await page.context().setOffline(true)")
    await page.shows("Связь потеряна")
    await look_at("without a connection")
    await page.run("await page.context().setOffline(false)")
    core_app.world.sandbox.script("sever", Offer(premium="1000.00", valid_until="2019-12-31T18:00:00Z"))
    core_app.go_on("volga")
    await ends(page)
    await page.click("Как посчитали цену: Volga")
    await look_at("ended")
    core_app.keeps_thinking("volga", behaviour=Decline(code="KBM"))
    core_app.keeps_thinking("ladoga", behaviour=Garbage())
    await ask_again(page)
    await page.shows("Срок истёк")
    await ends(page)
    await look_at("expired")
    core_app.keeps_thinking("sever", behaviour=Decline(code="KBM"))
    await ask_again(page)
    await page.shows("Отказ: 3 компании, без ответа: 1.")
    await look_at("stub")
    await page.click("Изменить заявление")
    await page.shows("Ваши расчёты")
    await look_at("the way back")
    await page.run("await page.evaluate(() => { location.hash = '/0000-0000-0000' })")
    await page.shows("Такого заявления здесь нет")
    await look_at("none")
    assert "\n".join(f"{state}: {violation}" for state, violation in found) == ""


async def test_everything_to_touch_is_large_enough(browser: Browser, core_apps: CoreApps) -> None:
    """24 pixels at least, as WCAG 2.2 wants it, and 44 where the way goes on."""
    page = browser.page(**PHONE)
    core_app = await core_apps(insurers=("sever", "volga"))
    await ask(page, core_app)
    await ends(page)
    await page.run(ENDS_MOVEMENTS)
    sizes = await page.reads(
        "[...document.querySelectorAll('a, button')].filter((one) => one.offsetWidth).map((one) => [one.className, one.getBoundingClientRect().height])"
    )
    assert [size for size in sizes if size[1] < (44 if "button" in size[0] else 24)] == []


def test_the_page_is_small() -> None:
    """Everything that a browser fetches, typeface included."""
    files = [path for path in STATIC.iterdir() if path.suffix in {".html", ".js", ".css", ".woff2", ".svg"}]
    packed = {path.name: len(gzip.compress(path.read_bytes())) for path in files}
    assert {"index.html", "page.js", "page.css"} <= packed.keys()
    assert sum(packed.values()) <= GZIPPED_BYTES_MAX, packed


@pytest.mark.compat  # it is npm that builds
def test_the_built_copy_is_that_of_the_sources(tmp_path: Path) -> None:
    """A change of the page is committed with the built copy that the wheel carries: `make page`."""
    shutil.copytree(ROOT / "frontend", tmp_path / "frontend", ignore=shutil.ignore_patterns("node_modules"))
    folder = tmp_path / "frontend/customer"
    npm_ci(folder)
    subprocess.run(["npm", "run", "build"], cwd=folder, check=True, capture_output=True)  # noqa: S607
    built = tmp_path / "sandbox/core_app/static"
    assert {path.name for path in built.iterdir()} == {path.name for path in STATIC.iterdir()}
    differing = [path.name for path in built.iterdir() if path.read_bytes() != (STATIC / path.name).read_bytes()]
    assert differing == []
