"""Personal data: purged when its time is up, forgotten on demand, sealed anew without downtime."""

import asyncio
import base64
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from support.desk import answer, scripted
from support.socket import opened
from support.until import until
from support.world import KEYS, ApiAtHand, World

from app.config.settings import Settings
from app.domain.subjects.purge import PurgeReason

NEW_KEY = "k2:" + base64.b64encode(bytes(range(32, 64))).decode()
LINK = "https://sever.example/buy/N-1"
APPLICATIONS = "SELECT id, application, application_key_id FROM osago_requests ORDER BY id"


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    world.write_insurers("sever", "volga")
    return await world.api()


async def ended(world: World, api: ApiAtHand, **changes: Any) -> UUID:
    """A request that both insurers have answered."""
    accepted = await world.accepted(api, **changes)
    settler = await world.settler()
    await settler.settle(accepted, "sever", "volga")
    return UUID(accepted["quoteRequest"]["id"])


async def shown(api: ApiAtHand, request_id: UUID) -> dict[str, Any]:
    """The request with its offers' links, as its caller sees it."""
    query = "query ($id: ID!) { quoteRequest(id: $id) { quotes { status offer { number purchaseUrl } } } }"
    return (await api.post(query, {"id": str(request_id)})).json()["data"]["quoteRequest"]


async def age(world: World, request_id: UUID, days: int) -> None:
    await world.database.fetch(
        "UPDATE osago_requests SET created_at = created_at - $2::interval WHERE id = $1",
        request_id,
        timedelta(days=days),
    )


async def test_applications_are_purged_when_their_time_is_up(world: World, api: ApiAtHand) -> None:
    """Only the application is destroyed: the request, its quotes and a record stay."""
    old, young = await ended(world, api), await ended(world, api)
    resources = await world.resources()
    await age(world, old, 31)
    await age(world, young, 29)
    await resources.purging.purge_due()
    rows = await world.database.fetch(APPLICATIONS)
    assert [(row["id"], row["application"] is None, row["application_key_id"]) for row in rows] == [
        (old, True, None),
        (young, False, "k1"),
    ]
    assert len(await world.database.fetch("SELECT 1 FROM osago_quotes WHERE request_id = $1", old)) == 2
    [record] = await world.database.fetch("SELECT reason, request_ids FROM osago_purges")
    assert (record["reason"], record["request_ids"]) == ("retention", [old])
    await resources.purging.purge_due()
    assert len(await world.database.fetch("SELECT 1 FROM osago_purges")) == 1, "nothing is purged twice"


async def test_links_go_with_the_application(world: World, api: ApiAtHand) -> None:
    """Sealed in the table until then, shown to the caller; afterwards the offer is there without one, in the clear or sealed."""
    old, young = await ended(world, api), await ended(world, api)
    await in_clear(world, old, "volga")
    await age(world, old, 31)
    assert {quote["offer"]["purchaseUrl"] for quote in (await shown(api, old))["quotes"]} == {LINK}
    await (await world.resources()).purging.purge_due()
    assert await shown(api, old) == {
        "quotes": [{"status": "OFFERED", "offer": {"number": "N-1", "purchaseUrl": None}}] * 2
    }
    assert {quote["offer"]["purchaseUrl"] for quote in (await shown(api, young))["quotes"]} == {LINK}
    rows = await world.database.fetch("SELECT offer::text AS offer FROM osago_quotes")
    assert [row["offer"] for row in rows if "https" in row["offer"]] == []


async def in_clear(world: World, request_id: UUID, insurer_id: str) -> None:
    """Stores the quote's link as the release before this one did."""
    await world.database.fetch(
        "UPDATE osago_quotes SET offer = (offer - 'sealedUrl') || jsonb_build_object('purchaseUrl', $3::text)"
        " WHERE request_id = $1 AND insurer_id = $2",
        request_id,
        insurer_id,
        LINK,
    )


async def test_links_of_the_release_before_are_shown_and_then_sealed(
    world: World, api: ApiAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second process seals beside it, in batches; none is missed, and the link of a purged request is destroyed."""
    monkeypatch.setattr("app.use_cases.link_sealing.BATCH_MAX", 2)
    ids = [await ended(world, api) for _ in range(4)]
    for id_ in ids:
        await in_clear(world, id_, "sever")
        await in_clear(world, id_, "volga")
    await world.database.fetch("UPDATE osago_requests SET application = NULL WHERE id = $1", ids[0])
    assert {quote["offer"]["purchaseUrl"] for quote in (await shown(api, ids[1]))["quotes"]} == {LINK}
    first, second = await world.resources(), await world.resources()
    await asyncio.gather(first.purging.purge_due(), second.purging.purge_due())
    await first.purging.purge_due()
    rows = await world.database.fetch("SELECT request_id, offer FROM osago_quotes ORDER BY request_id")
    offers = [json.loads(row["offer"]) for row in rows]
    assert [offer for offer in offers if "purchaseUrl" in offer] == []
    assert [row["request_id"] for row, offer in zip(rows, offers, strict=True) if "sealedUrl" not in offer] == [
        ids[0]
    ] * 2
    for id_ in ids[1:]:
        assert {quote["offer"]["purchaseUrl"] for quote in (await shown(api, id_))["quotes"]} == {LINK}


async def test_a_backlog_is_purged_in_small_batches(
    world: World, api: ApiAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One turn takes all that is due, a batch a statement; what is still open is left alone."""
    monkeypatch.setattr("app.use_cases.erase.BATCH_MAX", 2)
    for id_ in [await ended(world, api) for _ in range(5)]:
        await age(world, id_, 40)
    still_open = UUID((await world.accepted(api))["quoteRequest"]["id"])
    await age(world, still_open, 40)
    await (await world.resources()).purging.purge_due()
    sizes = [len(row["request_ids"]) for row in await world.database.fetch("SELECT request_ids FROM osago_purges")]
    assert sorted(sizes) == [1, 2, 2]
    [left] = await world.database.fetch("SELECT id FROM osago_requests WHERE application IS NOT NULL")
    assert left["id"] == still_open


async def test_a_repeat_after_the_purge_is_still_the_first_request(world: World, api: ApiAtHand) -> None:
    """There is nothing left to compare it with."""
    first = await ended(world, api, clientReference="ref-1")
    await age(world, first, 31)
    await (await world.resources()).purging.purge_due()
    assert (await world.accepted(api, clientReference="ref-1"))["quoteRequest"]["id"] == str(first)


async def test_a_forgotten_customer_is_gone(world: World, api: ApiAtHand) -> None:
    """Its requests, quotes, applications and keys in Redis are gone; an open subscription gets the end."""
    await ended(world, api, customerId="eve")
    still_open = await world.accepted(api, customerId="eve")
    other = await ended(world, api, customerId="adam")
    purging = (await world.resources()).purging
    async with opened(api.graphql) as socket:
        await socket.init(still_open["watchToken"])
        await socket.watch(still_open["quoteRequest"]["id"])
        await until(lambda: api.services.live.subscriptions == 1)
        assert await purging.forget("eve") == 2
        events = [await socket.event() for _ in range(3)]
    assert events[-1]["outcome"] == "CANCELLED"
    assert [row["id"] for row in await world.database.fetch(APPLICATIONS)] == [other]
    assert len(await world.database.fetch("SELECT 1 FROM osago_quotes")) == 2
    records = await world.database.fetch("SELECT kind, reason, request_ids FROM osago_purges ORDER BY id")
    assert [(one["kind"], one["reason"], len(one["request_ids"])) for one in records] == [
        ("request", "forgotten", 2),
        ("consent", "forgotten", 2),
    ]
    left = [key async for key in world.redis.client.scan_iter(match=f"*{still_open['quoteRequest']['id']}*")]
    assert left == []


async def test_a_customer_is_forgotten_for_one_service_alone(world: World, api: ApiAtHand) -> None:
    """Two services may call their customers alike."""
    await ended(world, api, customerId="eve")
    purging = (await world.resources()).purging
    assert await purging.forget("eve", "another-app") == 0
    assert await purging.forget("eve", "core-app") == 1


async def test_keys_rotate_beside_the_work_that_goes_on(world: World, api: ApiAtHand) -> None:
    """What the old key has sealed is sealed with the new one; then the old one is needed no more."""
    ids = [await ended(world, api, clientReference=f"ref-{number}") for number in range(3)]
    world.set(encryption_keys=f"{NEW_KEY},{KEYS}")
    resources = await world.resources()
    done = await resources.rotation.rotate()
    assert (done.resealed, done.links, done.unreadable) == (3, 6, 0)
    again = await resources.rotation.rotate()
    assert (again.resealed, again.links) == (0, 0)
    world.set(encryption_keys=NEW_KEY)
    later = await world.api()
    repeated = await world.accepted(later, clientReference="ref-1")
    assert UUID(repeated["quoteRequest"]["id"]) == ids[1]
    assert {row["application_key_id"] for row in await world.database.fetch(APPLICATIONS)} == {"k2"}
    links = await world.database.fetch("SELECT offer->>'sealedUrl' AS sealed FROM osago_quotes")
    assert {row["sealed"].partition(".")[0] for row in links} == {"k2"}
    assert {quote["offer"]["purchaseUrl"] for quote in (await shown(later, ids[1]))["quotes"]} == {LINK}


async def test_what_no_key_opens_is_reported_and_left(world: World, api: ApiAtHand) -> None:
    """A key that was dropped too early can come back."""
    await ended(world, api)
    world.set(encryption_keys=NEW_KEY)
    done = await (await world.resources()).rotation.rotate()
    assert (done.resealed, done.links, done.unreadable) == (0, 0, 3)
    [row] = await world.database.fetch(APPLICATIONS)
    assert row["application_key_id"] == "k1"


async def test_requests_and_then_their_consents_go_after_the_offers_retention(world: World, api: ApiAtHand) -> None:
    """The application first, its consent sealed apart; then the request with its quotes; the consent last. Each has its record."""
    world.set(operator="ООО «Ромашка», г. Москва", system_name="ИСПДн «ОСАГО»")
    old, young = await ended(world, api), await ended(world, api)
    purging = (await world.resources()).purging
    for id_, days in ((old, 399), (young, 31)):
        await age(world, id_, days)
    await purging.purge_due()
    assert await counts(world) == (2, 4, 2), "requests, quotes, consents"
    consents = await world.database.fetch("SELECT consent FROM osago_consents")
    assert [row for row in consents if b"2026" in row["consent"]] == [], "sealed"
    await age(world, old, 2)
    await world.database.fetch(
        "UPDATE osago_consents SET accepted_at = accepted_at - interval '2d' WHERE request_id = $1", old
    )
    await purging.purge_due()
    assert await counts(world) == (1, 2, 1)
    records = await world.database.fetch("SELECT * FROM osago_purges ORDER BY id")
    assert [(one["kind"], one["reason"], len(one["request_ids"])) for one in records] == [
        ("application", "retention", 2),
        ("request", "retention", 1),
        ("consent", "retention", 1),
    ]
    assert {(one["operator"], one["system"], one["method"]) for one in records} == {
        ("ООО «Ромашка», г. Москва", "ИСПДн «ОСАГО»", "rows-deleted")
    }
    assert [one["categories"] for one in records[1:]] == [["CUSTOMER_ID", "OFFERS"], ["CONSENT"]]
    assert {"NAME", "IDENTITY_DOCUMENT", "DRIVING_LICENSE"} <= set(records[0]["categories"])
    holders = [
        {(part["people"][0]["id"]) for part in json.loads(one["subjects"]) if part["request"] == str(old)}
        for one in records
    ]
    assert holders[0] == holders[1] == holders[2], (
        "each names the policyholder alike, long after the application is gone"
    )
    assert holders[0]


async def test_a_record_names_no_person(world: World, api: ApiAtHand) -> None:
    """People and customers are identifiers that say nothing without the key, which is sealed."""
    request = world.new_request()
    holder = request["application"]["policyholder"]["person"]
    await ended(world, api, customerId="eve@example.com")
    await (await world.resources()).purging.forget("eve@example.com")
    [stored] = await world.database.fetch("SELECT string_agg(p::text, ' ') AS text FROM osago_purges p")
    for value in (holder["lastName"], holder["birthDate"], holder["document"]["number"], "eve@example.com"):
        assert value not in stored["text"]


async def test_a_withdrawn_consent_stays_as_a_proof_until_its_time_is_up(world: World, api: ApiAtHand) -> None:
    """All other data of the request is destroyed at once."""
    id_ = await ended(world, api, customerId="eve")
    purging = (await world.resources()).purging
    assert await purging.forget("eve", reason=PurgeReason.CONSENT_WITHDRAWN, actor="clerk") == 1
    assert await counts(world) == (0, 0, 1)
    [record] = await world.database.fetch("SELECT kind, reason, actor FROM osago_purges")
    assert tuple(record) == ("request", "consent-withdrawn", "clerk")
    await world.database.fetch("UPDATE osago_consents SET accepted_at = accepted_at - interval '401d'")
    await purging.purge_due()
    assert await counts(world) == (0, 0, 0)
    [last] = await world.database.fetch("SELECT request_ids FROM osago_purges WHERE kind = 'consent'")
    assert last["request_ids"] == [id_]


async def test_a_dropped_key_is_a_destruction_with_a_record(world: World, api: ApiAtHand) -> None:
    """What it has sealed cannot be read any more: that is said, and what is left of it removed."""
    id_ = await ended(world, api)
    world.set(encryption_keys=NEW_KEY)
    resources = await world.resources()
    assert await resources.purging.purge_key("k1", actor="clerk") == 1
    [record] = await world.database.fetch("SELECT * FROM osago_purges")
    assert (record["reason"], record["method"], record["request_ids"]) == ("key-destroyed", "key-destroyed", [id_])
    left = await resources.rotation.rotate()
    assert (left.unreadable, left.has_identifiers) == (0, True)


async def counts(world: World) -> tuple[int, int, int]:
    """Of requests, quotes, consents."""
    tables = ("osago_requests", "osago_quotes", "osago_consents")
    rows = [await world.database.fetch(f"SELECT count(*) FROM {table}") for table in tables]  # noqa: S608 - ours
    return rows[0][0][0], rows[1][0][0], rows[2][0][0]


def test_offers_are_kept_as_long_as_applications_at_least() -> None:
    """A request cannot go before its application."""
    with pytest.raises(ValueError, match="OSAGO_OFFER_RETENTION"):
        Settings(_env_file=None, retention="30d", offer_retention="29d")  # type: ignore[call-arg]


def test_retention_is_longer_than_a_request() -> None:
    """A shorter one would purge applications before insurers are asked."""
    with pytest.raises(ValueError, match="OSAGO_RETENTION"):
        Settings(_env_file=None, retention="30s")  # type: ignore[call-arg]


@pytest.mark.parametrize("echoed", ["{passport}", "app-{spaced}", "{vin}/1"])
async def test_an_id_that_repeats_personal_data_is_not_remembered(world: World, echoed: str) -> None:
    """An insurer's own id of an application is kept in Redis while it is polled; one that holds a value of it stays in the worker."""
    person = world.new_request()["application"]["policyholder"]["person"]
    passport, vin = person["document"]["number"], world.new_request()["application"]["vehicle"]["vin"]
    own_id = echoed.format(passport=passport, spaced=f"{passport[:4]}-{passport[4:]}", vin=vin.lower())
    polled = {"get": answer(b'{"status": "processing"}')}
    async with (
        scripted({"post": answer(json.dumps({"applicationId": own_id}).encode(), 202), **polled}) as (
            echo_url,
            echoing,
        ),
        scripted({"post": answer(b'{"applicationId": "plain-7"}', 202), **polled}) as (plain_url, plain),
    ):
        world.write_insurers("sever", "volga", each={"sever": {"base_url": echo_url}, "volga": {"base_url": plain_url}})
        api, worker = await world.api(), await world.worker()
        accepted = await world.accepted(api)
        await until(lambda: echoing.calls("get ") and plain.calls("get "))
        found = await world.redis.client.hgetall(f"{{osago-00}}:request:{accepted['quoteRequest']['id']}")
        await worker.stop()
    assert found["at:volga"] == "plain-7"
    assert "at:sever" not in found
    assert passport not in str(found)
