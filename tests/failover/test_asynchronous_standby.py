"""An asynchronous standby: requests that a failover loses are counted, and their subscriptions end with an error."""

import asyncio
from typing import Any

from support.postgresql_cluster import ClusterTemplate, PostgresqlServer, postgresql_pair
from support.until import until
from support.world import World

from app.observability import metrics
from cli.quote.aggregator_client import CallFailed
from sandbox.insurers.script.behaviours import Processing

REQUESTS = 5


async def test_a_lost_request_ends_its_subscription_and_begins_anew(
    world: World, cluster_template: ClusterTemplate
) -> None:
    """It ends once, with REQUEST_LOST; the metric counts it, no job goes on, and its reference is free again."""
    async with postgresql_pair(cluster_template, is_synchronous=False) as pair:
        world.set(database_url=pair.url())
        await world.insurers("sever")
        world.sandbox.set_mode("sever", Processing())
        api = await world.api()
        kept = await world.accepted(api, clientReference="kept")
        await until(lambda: _has(pair.standby, kept))
        pair.wire.cut()
        lost = [await world.accepted(api, clientReference=f"lost-{number}") for number in range(REQUESTS)]
        watches = [asyncio.create_task(world.watched(api, one)) for one in (kept, *lost)]
        await until(lambda: api.services.live.subscriptions == REQUESTS + 1)
        before = metrics.ACKNOWLEDGED_LOST._value.get()
        await pair.fail_over()
        ended = await asyncio.gather(*watches[1:], return_exceptions=True)
        assert all(isinstance(one, CallFailed) and "утрачена" in str(one) for one in ended), ended
        await until(lambda: metrics.ACKNOWLEDGED_LOST._value.get() == before + REQUESTS)
        assert api.services.live.subscriptions == 1
        assert not watches[0].done()
        again = await world.accepted(api, clientReference="lost-0")
        assert again["quoteRequest"]["id"] not in {one["quoteRequest"]["id"] for one in lost}
        same = await world.accepted(api, clientReference="kept")
        assert same["quoteRequest"]["id"] == kept["quoteRequest"]["id"]
        watches[0].cancel()
        await asyncio.gather(watches[0], return_exceptions=True)
        await world.stop()


async def _has(server: PostgresqlServer, accepted: dict[str, Any]) -> bool:
    return bool(await server.fetch("SELECT 1 FROM osago_requests WHERE id = $1::uuid", accepted["quoteRequest"]["id"]))
