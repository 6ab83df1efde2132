"""The log says which server a process waits for, and where; it repeats itself once a minute."""

import ast

import pytest
from support.clock import MovedClock
from support.commands import ROOT
from support.processes import osago
from support.until import until
from support.world import World

from app.domain.errors import RedisAway
from app.readiness import OK, Lookout
from app.redis.topology import parse_address

WAITING = (".waits", "reader.refused")


def test_every_event_of_a_wait_names_its_server() -> None:
    """The field `of` names it, in each event with which a part says that it waits."""
    found = 0
    for file in (*ROOT.glob("app/**/*.py"), *ROOT.glob("workers/**/*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(args=[ast.Constant(value=str(event)), *_]) if event.endswith(WAITING):
                    found += 1
                    assert "of" in {keyword.arg for keyword in node.keywords}, f"{file}:{node.lineno}: {event}"
                case _:
                    pass
    assert found >= 8


async def test_a_start_without_a_server_is_logged_at_once_and_then_once_a_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The lines end when the server has been well once; after that `server.state` reports."""
    clock, is_away = MovedClock(), True

    async def look() -> str:
        if is_away:
            raise RedisAway("ConnectionError") from ConnectionRefusedError()
        return OK

    lookout = Lookout("redis", look, clock, at="cache.example:6379")

    async def look_for(seconds: int) -> int:
        caplog.clear()
        for _ in range(seconds):
            await lookout.run_once()
            await clock.advance(1)
        return sum("start.waits" in record.getMessage() for record in caplog.records)

    assert await look_for(150) == 3
    assert all(part in caplog.text for part in ("redis", "cache.example:6379", "ConnectionRefusedError"))
    is_away = False
    assert await look_for(1) == 0
    is_away = True
    assert await look_for(150) == 0


@pytest.mark.processes
async def test_a_worker_without_servers_says_which_it_waits_for_and_where(world: World) -> None:
    """The first lines of its log, before it has done anything."""
    world.write_insurers("sever")
    away = {
        "OSAGO_DATABASE_URL": "postgresql://user:hidden@127.0.0.1:1/x",
        "OSAGO_REDIS_URL": "redis://:hidden@127.0.0.1:2/0",
        "OSAGO_LOG_FORMAT": "json",
    }
    async with osago(world.folder, {**world.environment, **away}, "worker") as process:
        await until(lambda: process.text.count('"start.waits"') == 2)
        lines = [line for line in process.text.splitlines() if '"start.waits"' in line]
    assert any('"of": "postgresql", "at": "127.0.0.1:1", "why": "ConnectionRefusedError"' in line for line in lines)
    assert any('"of": "redis", "at": "127.0.0.1:2"' in line for line in lines)
    assert "hidden" not in process.text


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("redis://user:hidden@cache.example/0", "cache.example:6379"),
        ("rediss://cache.example:7000/0", "cache.example:7000"),
        ("unix:///run/redis.sock", "/run/redis.sock"),
        ("redis+sentinel://user:hidden@h1,h2:7/main/0", "h1:26379,h2:7"),
        ("redis+cluster://h1,h2", "h1:6379,h2:6379"),
    ],
)
def test_the_place_of_redis_has_no_password(url: str, place: str) -> None:
    """Hosts and ports, or the socket, are for the log; the rest of the URL is not."""
    assert parse_address(url).place == place
