"""`kill -9` of an API: what it has committed is enqueued by another process, within two seconds."""

import asyncio
import uuid
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import pytest
from support.processes import api_process, worker_process
from support.proxy import proxied
from support.stalls import within
from support.until import until
from support.world import ApiAtHand, World

from app.redis.lua_scripts import ENQUEUE
from cli.quote.aggregator_client import CREATE

RELAYED_S_MAX = 2.0
INSURERS = ("sever", "volga", "ural")


@pytest.mark.processes
async def test_what_a_killed_api_has_committed_and_not_enqueued_is_relayed(world: World) -> None:
    """Its caller may have got no answer, and asks elsewhere with the same reference: the same request, asked once."""
    await world.insurers(*INSURERS)
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(proxied(world.redis.url))
        environment = {**world.environment, "OSAGO_REDIS_URL": redis.url}
        victim = await stack.enter_async_context(api_process(world.folder, environment))
        await stack.enter_async_context(worker_process(world.folder, world.environment))
        api = await world.api()
        trap = redis.trap(ENQUEUE.hash.encode())
        reference = uuid.uuid4().hex
        call = ApiAtHand(victim.url, world.token(), victim).post(
            CREATE, {"input": world.new_request(clientReference=reference)}
        )
        calling = asyncio.create_task(call)
        await trap.reached.wait()
        (row,) = await world.database.fetch("SELECT id FROM osago_requests")
        victim.kill()
        with within(RELAYED_S_MAX, *world.server_pids):
            redis.break_connections()
            await until(lambda: all(_seen(world, row["id"], insurer) for insurer in INSURERS))
        await asyncio.gather(calling, return_exceptions=True)

        again = await world.accepted(api, clientReference=reference)
        assert UUID(again["quoteRequest"]["id"]) == row["id"]
        events = await world.watched(api, again)
        assert sorted(event["quote"]["insurer"]["id"] for event in events[:-1]) == sorted(INSURERS)
        assert events[-1]["outcome"] == "ALL_ANSWERED"
    for insurer in INSURERS:
        assert world.sandbox.seen_by(insurer).applications == 1


def _seen(world: World, request_id: UUID, insurer: str) -> Any:
    return world.sandbox.seen(f"{request_id}:{insurer}")
