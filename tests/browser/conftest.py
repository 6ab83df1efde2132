"""The customer's page in a real browser, before real servers."""

from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any, Final

import pytest
from support.browser import Browser, Page, chromium, driven
from support.core_app import CoreApp, CoreApps
from support.foreign import a_chromium, with_npm
from support.world import ApiAtHand, World

HERE: Final = Path(__file__).parent
INSURERS: Final = ("sever", "volga", "ural", "ladoga")


@pytest.fixture(autouse=True)
def patient_core_app(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine the aggregator, which shares this process, takes longer than core-app waits; a second is held in its own tests."""
    monkeypatch.setattr("sandbox.core_app.aggregator.ATTEMPT_S_MAX", 10.0)
    monkeypatch.setattr("sandbox.core_app.aggregator.CALL_S_MAX", 20.0)


@pytest.fixture(scope="session")
def chromium_socket(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path, None, None]:
    """One Chromium for all tests, with its bridge and what that needs from npm, away from the checkout."""
    folder = with_npm(HERE, tmp_path_factory.mktemp("browser") / "browser")
    with chromium(folder, a_chromium()) as socket:
        yield socket


@pytest.fixture
async def browser(chromium_socket: Path) -> AsyncGenerator[Browser, None]:
    """Tabs of this test's own."""
    async with driven(chromium_socket) as made:
        yield made


@pytest.fixture
async def page(browser: Browser) -> AsyncGenerator[Page, None]:
    """A tab, in which nothing may go wrong, and which may ask nothing of other hosts."""
    made = browser.page()
    yield made
    assert await made.went_wrong() == []


@pytest.fixture
async def core_apps(world: World) -> CoreApps:
    """Starts a core-app; `core_app` are its options."""

    async def make(*, insurers: tuple[str, ...] = INSURERS, core_app: dict[str, Any] | None = None) -> CoreApp:
        world.set(origins="*")  # the page's port is not known before it listens
        await world.insurers(*insurers)
        await world.worker()
        api = await world.api()
        return CoreApp(world, api, await world.core_app(api, **(core_app or {})))

    return make


@pytest.fixture
async def counter(world: World) -> str:
    """A core-app without an aggregator: enough to fill in a form."""
    return await world.core_app(ApiAtHand("http://127.0.0.1:1", "none", None))
