"""`osago bridge state`, `list`, `retry`, `drop`: what an operator sees and does."""

import asyncio
from uuid import UUID

import pytest
from support.world import World

from app.domain.errors import WrongSetting
from app.postgres.database import connected, open_pool
from bridge.bridge_rows import BridgeDeadLetter, BridgePlace, bury_event, hold_lease, read_dead_letters, save_places
from cli.bridge.bridge_commands import drop_bridge_letters, list_bridge_letters, print_state, retry_bridge_letters


async def test_an_operator_sees_places_and_dead_letters(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Retries one, drops it, and hears of one that is not there."""
    monkeypatch.setenv("OSAGO_DATABASE_URL", world.database.url)
    world.write_insurers("sever")
    request_id = UUID((await world.accepted(await world.api()))["quoteRequest"]["id"])
    event_id, now = f"{request_id}:sever", (await world.resources()).clock.now()
    pool = await open_pool(world.database.url, connections=2)
    async with connected(pool) as connection:
        assert await hold_lease(connection, "shop", "this-one", lease_s=60)
        assert not await hold_lease(connection, "shop", "another", lease_s=60)
        places = {0: BridgePlace("7-0", "epoch", now)}
        await save_places(connection, "shop", {0: BridgePlace("9-0", "epoch", now)}, now, "another")
        await save_places(connection, "shop", places, now, "this-one")
        letter = BridgeDeadLetter("shop", event_id, request_id, "{}", "answered 500", 12, now, is_retried=False)
        await bury_event(connection, letter)
        await bury_event(connection, letter)
    await asyncio.to_thread(print_state)
    line = capsys.readouterr().out.splitlines()[1].split()
    assert (line[:3], line[-2:]) == (["shop", "0", "7-0"], ["this-one", "1"])
    await asyncio.to_thread(retry_bridge_letters, "shop", [event_id])
    await asyncio.to_thread(list_bridge_letters, "")
    assert capsys.readouterr().out.splitlines()[-1].split()[2:] == [event_id, "12", "waits", "answered", "500"]
    async with connected(pool) as connection:
        assert len(await read_dead_letters(connection, "shop", only_retried=True, most=10)) == 1
    await asyncio.to_thread(drop_bridge_letters, "shop", [event_id])
    with pytest.raises(WrongSetting, match="there is no such dead letter"):
        await asyncio.to_thread(drop_bridge_letters, "shop", [event_id])
    pool.terminate()
