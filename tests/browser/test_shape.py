"""How the page is made: accessible in every state, fit for a phone, small, and built from its sources."""

import gzip
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
from support.browser import Browser, Page
from support.core_app import CoreApps, ask, ends, has_offers
from support.foreign import npm_ci

from sandbox.insurers.script.behaviours import Decline, Processing

ROOT: Final = Path(__file__).parents[2]
STATIC: Final = ROOT / "sandbox/core_app/static"
GZIPPED_BYTES_MAX: Final = 100 * 1000
PHONE: Final = {"viewport": {"width": 360, "height": 740}, "hasTouch": True, "isMobile": True}
LOOKS: Final[list[dict[str, Any]]] = [
    {"colorScheme": "light", "reducedMotion": "reduce"},
    {"colorScheme": "dark", "reducedMotion": "reduce"},
    {"colorScheme": "light", "reducedMotion": "reduce", **PHONE},
    {"colorScheme": "dark", "reducedMotion": "reduce", **PHONE},
]
"""Without motion, that fades colours: axe would measure whatever it meets."""

pytestmark = pytest.mark.processes


async def violations(page: Page) -> list[str]:
    """What axe finds, by every rule of WCAG 2.2 AA and its best practices."""
    return await page.run(
        "const {source} = (await import('axe-core')).default; await page.evaluate(source); "
        "const {violations} = await page.evaluate('axe.run()'); "
        "return violations.flatMap(({id, nodes}) => nodes.map(({html}) => `${id}: ${html.slice(0, 200)}`))"
    )


async def fits(page: Page) -> None:
    """Nothing is wider than the screen."""
    assert await page.reads("document.documentElement.scrollWidth") <= await page.reads("innerWidth")


@pytest.mark.parametrize("look", LOOKS, ids=["light", "dark", "light-phone", "dark-phone"])
async def test_axe_finds_nothing_in_any_state(browser: Browser, core_apps: CoreApps, look: dict[str, Any]) -> None:
    """Empty form, problems, filled in, live, ended with everything open, the stub."""
    page = browser.page(**look)
    core_app = await core_apps()
    found: list[tuple[str, str]] = []

    async def look_at(state: str) -> None:
        found.extend((state, violation) for violation in await violations(page))
        await fits(page)

    await page.open(core_app.url)
    await look_at("empty")
    await page.click("Узнать цены")
    await page.shows("Проверьте 18 полей")
    await page.run(
        "for (const more of await page.locator('details').all()) await more.evaluate((one) => one.open = true)"
    )
    await page.run("await page.getByText('Собственник — другой человек').click()")
    await look_at("problems")
    core_app.keeps_thinking("volga", behaviour=Processing())
    core_app.keeps_thinking("ural", behaviour=Decline(code="KBM"))
    await ask(page, core_app)
    await has_offers(page, 2)
    await look_at("live")
    core_app.go_on("volga")
    await ends(page)
    await page.click("Как посчитали цену: Volga")
    await look_at("ended")
    core_app.keeps_thinking("sever", "volga", "ladoga", behaviour=Decline(code="KBM"))
    await page.click("Запросить снова")
    await page.shows("Все страховые компании ответили отказом")
    await look_at("stub")
    assert "\n".join(f"{state}: {violation}" for state, violation in found) == ""


async def test_everything_to_touch_is_large_enough(browser: Browser, core_apps: CoreApps) -> None:
    """24 pixels at least, as WCAG 2.2 wants it, and 44 where the way goes on."""
    page = browser.page(**PHONE)
    core_app = await core_apps(insurers=("sever", "volga"))
    await ask(page, core_app)
    await ends(page)
    sizes = await page.reads(
        "[...document.querySelectorAll('a, button')].map((one) => [one.className, one.getBoundingClientRect().height])"
    )
    assert [size for size in sizes if size[1] < (44 if "button" in size[0] else 20)] == []


def test_the_page_is_small() -> None:
    """Everything that a browser fetches, typeface included."""
    files = [path for path in STATIC.iterdir() if path.suffix in {".html", ".js", ".css", ".woff2", ".svg"}]
    packed = {path.name: len(gzip.compress(path.read_bytes())) for path in files}
    assert {"index.html", "page.js", "page.css"} <= packed.keys()
    assert sum(packed.values()) <= GZIPPED_BYTES_MAX, packed


def test_the_built_copy_is_that_of_the_sources(tmp_path: Path) -> None:
    """Whoever changes the page commits the copy that travels in the wheel: `make page`."""
    shutil.copytree(ROOT / "frontend", tmp_path / "frontend", ignore=shutil.ignore_patterns("node_modules"))
    folder = tmp_path / "frontend/customer"
    npm_ci(folder)
    subprocess.run(["npm", "run", "build"], cwd=folder, check=True, capture_output=True)  # noqa: S607
    built = tmp_path / "sandbox/core_app/static"
    assert {path.name for path in built.iterdir()} == {path.name for path in STATIC.iterdir()}
    differing = [path.name for path in built.iterdir() if path.read_bytes() != (STATIC / path.name).read_bytes()]
    assert differing == []
