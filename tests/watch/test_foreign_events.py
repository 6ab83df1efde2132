"""What another writer puts into Redis: it is not shown, it is counted, and PostgreSQL is asked for the truth."""

import json
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.quotes import an_offer
from support.socket import opened
from support.until import until
from support.world import ApiAtHand, SettlerAtHand, World

from app.observability import metrics
from app.redis import keys

FORGED = {
    "insurer": "sever",
    "status": "OFFERED",
    "receivedAt": "2026-11-22T09:30:05Z",
    "offer": {"number": "FORGED", "premium": "1.00", "currency": "RUB", "purchaseUrl": "https://evil.example/pay"},
}
END = {"outcome": "ALL_ANSWERED", "completedAt": "2026-11-22T09:30:07.6Z"}


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    world.write_insurers("sever", "volga")
    return await world.api()


def foreign() -> float:
    """As the API counts them."""
    return next(iter(metrics.FOREIGN.collect())).samples[0].value


@pytest.mark.parametrize(
    "fields",
    [
        {"quote": json.dumps(FORGED)},
        {"quote": json.dumps(FORGED), "mac": "k1:" + "0" * 32},
        {"quote": json.dumps(FORGED), "mac": "\N{SNOWMAN}"},
        {"end": json.dumps(END)},
        {"mac": "k1:", "quote": json.dumps(FORGED)},
        {"quote": b"\xff\xfe", "mac": b"\xff"},
        {"quote": "[" * 10_000},
        {"something": "else"},
    ],
)
async def test_an_event_of_another_writer_is_not_shown(
    world: World, api: ApiAtHand, settler: SettlerAtHand, fields: dict[str, Any]
) -> None:
    """It is counted, logged once, and what is true comes all the same: the real offers, then the real end."""
    accepted = await world.accepted(api)
    id_ = accepted["quoteRequest"]["id"]
    before = foreign()
    async with opened(api.graphql) as socket:
        await socket.init(accepted["watchToken"])
        await socket.watch(id_)
        await settler.settle(accepted, "volga")
        assert (await socket.event())["quote"]["insurer"]["id"] == "volga"
        with capture_logs() as logs:
            for _ in range(3):
                await world.redis.client.xadd(f"{{osago-00}}:events:{id_}", fields)

            async def counted() -> bool:
                """Notified again, for one notification may be missed; an event is counted once."""
                await world.redis.client.publish(keys.news(0), id_)
                return foreign() == before + 3

            await until(counted)
        assert [line["request_id"] for line in logs if line["event"] == "events.foreign"] == [id_]
        await settler.settle(accepted, "sever", answer=an_offer("500.00"))
        event = await socket.event()
        assert event["quote"]["offer"]["premium"] == {"amount": "500.00", "currency": "RUB"}
        assert (await socket.event())["__typename"] == "QuotesCompleted"


async def test_an_event_moved_from_another_request_is_not_shown(
    world: World, api: ApiAtHand, settler: SettlerAtHand
) -> None:
    """Its MAC is for the request that it belongs to."""
    theirs, ours = await world.accepted(api), await world.accepted(api)
    await settler.settle(theirs, "sever", "volga")
    stream = keys.events(0, theirs["quoteRequest"]["id"])
    entries: list[Any] = await until(lambda: world.redis.client.xrange(stream))
    async with opened(api.graphql) as socket:
        await socket.init(ours["watchToken"])
        await socket.watch(ours["quoteRequest"]["id"])
        await settler.settle(ours, "volga")
        assert (await socket.event())["quote"]["insurer"]["id"] == "volga"
        before = foreign()
        for _, fields in entries:
            await world.redis.client.xadd(keys.events(0, ours["quoteRequest"]["id"]), fields)

        async def counted() -> bool:
            await world.redis.client.publish(keys.news(0), ours["quoteRequest"]["id"])
            return foreign() == before + len(entries)

        await until(counted)
        await settler.settle(ours, "sever", answer=an_offer("500.00"))
        assert (await socket.event())["quote"]["offer"]["premium"]["amount"] == "500.00"


async def test_an_event_of_the_release_before_comes_from_postgresql(
    world: World, api: ApiAtHand, settler: SettlerAtHand
) -> None:
    """A worker of that release settles, publishes without a MAC and rings: the offer is the committed one."""
    accepted = await world.accepted(api)
    id_ = accepted["quoteRequest"]["id"]
    async with opened(api.graphql) as socket:
        await socket.init(accepted["watchToken"])
        await socket.watch(id_)
        await settler.settle(accepted, "volga")
        assert (await socket.event())["quote"]["insurer"]["id"] == "volga"
        # Done already for the script of this release: it rings no more and leaves the event to the one before.
        await world.redis.client.hset(keys.request(0, id_), "done:sever", "1")
        await settler.settle(accepted, "sever", answer=an_offer("500.00"))
        await world.redis.client.xadd(keys.events(0, id_), {"quote": json.dumps(FORGED)})
        await world.redis.client.publish(keys.news(0), id_)
        assert (await socket.event())["quote"]["offer"]["premium"]["amount"] == "500.00"


async def test_a_rotated_key_is_seen_by_no_subscriber(world: World, api: ApiAtHand) -> None:
    """A process that signs with the new key, one that has it second: events are read as before."""
    keys_before = world.settings.encryption_keys.get_secret_value()
    world.set(encryption_keys=f"{keys_before},k2:{'A' * 43}=")
    watching = await world.api()
    world.set(encryption_keys=f"k2:{'A' * 43}=,{keys_before}")
    settler = await world.settler()
    accepted = await world.accepted(api)
    before = foreign()
    async with opened(watching.graphql) as socket:
        await socket.init(accepted["watchToken"])
        await socket.watch(accepted["quoteRequest"]["id"])
        for insurer in ("volga", "sever"):
            await settler.settle(accepted, insurer)
            assert (await socket.event())["quote"]["insurer"]["id"] == insurer
    assert foreign() == before


@pytest.mark.parametrize("channel", [keys.news(0), keys.accepted(0), keys.ended(0), keys.called(0), keys.insurers()])
@pytest.mark.parametrize("message", [b"no id", b"\xff\xfe", b":", b"x:y", b"1:x", b""])
async def test_a_ring_of_another_writer_ends_no_part(
    world: World, api: ApiAtHand, channel: str, message: bytes
) -> None:
    """API and workers stay connected, and hear the next ring."""
    await world.insurers("sever", "volga")
    await world.worker()
    accepted = await world.accepted(api)
    async with opened(api.graphql) as socket:
        with capture_logs() as logs:
            await world.redis.client.publish(channel, message)
            await socket.init(accepted["watchToken"])
            await socket.watch(accepted["quoteRequest"]["id"])
            assert [(await socket.event())["__typename"] for _ in range(3)] == [
                *["QuoteReceived"] * 2,
                "QuotesCompleted",
            ]
        assert {"part.failed", "notifier.disconnected"}.isdisjoint(line["event"] for line in logs)
