"""Real servers for the whole session; a database, and an empty Redis, for every test."""

import asyncio
import os
import tempfile
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from pathlib import Path

import hypothesis
import pytest
import structlog
from support.servers import Database, RedisAtHand, Servers
from support.world import SettlerAtHand, World

from app.observability import logs
from app.runtime import gc_tuning
from app.server.serve import new_event_loop

gc_tuning.pause()  # making thousands of tests makes no garbage
hypothesis.settings.register_profile("suite", deadline=None, max_examples=60)
hypothesis.settings.load_profile("suite")
logs.configure(log_format="json", level="warning")
# A logger that is kept after its first line would not be captured by a later test.
structlog.configure(cache_logger_on_first_use=False)


TESTS = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # pytest-xdist writes the group into each name in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what needs parts of others, and groups what a process does as a whole: what shares a Chromium or a folder of npm's, quick modules.

    The long groups come first, the quick modules last: no process begins half a minute's work when the others have none left.
    """
    turns: dict[pytest.Item, int] = {}
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0] if item.path.is_relative_to(TESTS) else ""
        if folder == "compat":
            item.add_marker("compat")
        if folder == "browser":
            item.add_marker(pytest.mark.xdist_group("browser"))
        elif item.get_closest_marker("compat"):
            item.add_marker(pytest.mark.xdist_group(str(item.path)))
        if item.get_closest_marker("xdist_group"):
            turns[item] = 0
        elif "servers" in getattr(item, "fixturenames", ()):
            turns[item] = 1
        else:
            item.add_marker(pytest.mark.xdist_group(str(item.path)))
            turns[item] = 2
    items.sort(key=lambda item: turns[item])


def pytest_collection_finish(session: pytest.Session) -> None:
    """Fails where the groups have no effect, which pytest-xdist does not say. What is collected lives as long as the process."""
    if session.config.getoption("loadgroup", default=False):  # pytest-xdist sets it in its processes
        grouped = [item for item in session.items if item.get_closest_marker("xdist_group")]
        assert all("@" in item.nodeid for item in grouped), "pytest-xdist groups no tests"
    gc_tuning.resume()


def pytest_xdist_auto_num_workers() -> int:
    """Each has servers of its own; servers of one's own are emptied before every test, and so serve one at a time."""
    return 1 if "OSAGO_DATABASE_URL" in os.environ or "OSAGO_REDIS_URL" in os.environ else 4


@pytest.fixture(scope="session")
def servers() -> Generator[Servers, None, None]:
    """PostgreSQL and Redis: embedded ones, or those that OSAGO_DATABASE_URL and OSAGO_REDIS_URL name."""
    with tempfile.TemporaryDirectory(prefix="osago-tests-", ignore_cleanup_errors=True) as folder:
        started = Servers.start(
            Path(folder), database_url=os.environ.get("OSAGO_DATABASE_URL"), redis_url=os.environ.get("OSAGO_REDIS_URL")
        )
        for name in [name for name in os.environ if name.startswith("OSAGO_")]:
            del os.environ[name]
        try:
            yield started
        finally:
            started.stop()


@pytest.fixture
async def database(servers: Servers) -> AsyncGenerator[Database, None]:
    """A database of this test's own, with the newest schema."""
    async with servers.database() as lent:
        yield lent


@pytest.fixture
async def redis(servers: Servers) -> AsyncGenerator[RedisAtHand, None]:
    """An empty Redis. What a test leaves in it has a TTL, or may stay for ever by design."""
    at_hand = RedisAtHand(servers.redis_url)
    await at_hand.client.flushdb()
    yield at_hand
    left = await at_hand.keys_without_ttl()
    await at_hand.client.aclose()
    assert left == [], f"these keys would stay in Redis for ever: {left}"


@pytest.fixture(autouse=True)
def short_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker in this process stops when its blocked reads run out: they need not take a second each."""
    monkeypatch.setattr("app.redis.job_streams.BLOCK_MS", 50)


@pytest.fixture
async def world(
    servers: Servers, database: Database, redis: RedisAtHand, tmp_path: Path
) -> AsyncGenerator[World, None]:
    """The whole system in this process, over real servers and real HTTP; started as far as a test asks for it."""
    async with World(database, redis, tmp_path, servers) as made:
        yield made


@pytest.fixture
async def settler(world: World, api: object) -> SettlerAtHand:  # the test's own `api`, which it settles for
    return await world.settler()


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The product's own loop."""
    return {"product": new_event_loop}
