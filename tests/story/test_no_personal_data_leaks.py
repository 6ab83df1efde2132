"""Personal data, searched for in everything that leaves a process: a marker in every field, and everything that can fail, fails."""

import json
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from support.commands import typed_beside
from support.otlp_receiver import otlp_receiver
from support.plain_http import plain_http
from support.processes import api_process, worker_process
from support.servers import RedisAtHand
from support.world import KEYS, ApiAtHand, World

from app.postgres.cipher import Cipher
from cli.quote.aggregator_client import CREATE
from sandbox.insurers.script.behaviours import Decline, Garbage, Offer, Status, WrongShape

DIALECTS = {
    "altai": ("rest-poll", {}),
    "kama": ("rest-sync", {}),
    "onega": ("rest-oauth2", {"client_id": "osago", "client_secret": "sandbox"}),
    "amur": ("soap", {}),
    "polyus": ("callback", {"callback_secret": "sandbox"}),
    "steppe": ("business-200", {}),
}
"""Insurers that repeat in their offers what they were sent; the others decline, break, or send nonsense."""
INSURERS = ("sever", "volga", "ural", "baikal", "taiga", *DIALECTS)
FIELDS = {
    "lastName": "Маркерова", "firstName": "Маркерина", "middleName": "Маркеровна", "birthDate": "1971-02-03",
    "number": "4599000001", "issuedOn": "2021-08-09", "street": "ул Маркерная", "fiasId": "0c5b2444-9999-4932-980c-b4dc0d3f0999", "text": "г Маркерск, ул Маркерная, д 99", "kladr": "7700099900000",
    "phone": "+79990000001", "email": "marker@marker.example", "vin": "XTAMARKER00000009", "bodyNumber": "XTAMARKER00000009",
    "licensePlate": "М999КР99", "drivingSince": "1995-06-07",
}  # fmt: skip
NUMBERS = {"number"}
"""No two people have the same."""


def marked(value: Any, made: list[str]) -> Any:
    """The application with a marker in every field; `made` gets them all."""
    if isinstance(value, list):
        return [marked(item, made) for item in value]
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for key, inner in value.items():
        if isinstance(inner, dict | list):
            found[key] = marked(inner, made)
        elif key in FIELDS and inner is not None:
            found[key] = FIELDS[key] if key not in NUMBERS else str(int(FIELDS[key]) + len(made))
            made.append(found[key])
        else:
            found[key] = inner
    return found


def within(text: str, markers: list[str]) -> list[str]:
    """The markers that are in a text: as they are, as JSON or a link escapes them, numbers with separators in them."""
    spellings = {marker: {marker, json.dumps(marker)[1:-1], quote(marker), separated(marker)} for marker in markers}
    return sorted({marker for marker, spelt in spellings.items() if any(one in text for one in spelt)})


def separated(marker: str) -> str:
    """As people write a number; any other marker as it is."""
    return "-".join((marker[:4], marker[4:7], marker[7:])) if marker.isdecimal() else marker


async def redis_dump(redis: RedisAtHand) -> str:
    """Every key with everything in it, as text."""
    parts: list[str] = []
    async for key in redis.client.scan_iter():
        kind = await redis.client.type(key)
        read: dict[str, Any] = {
            "string": redis.client.get,
            "hash": redis.client.hgetall,
            "stream": redis.client.xrange,
            "zset": lambda name: redis.client.zrange(name, 0, -1, withscores=True),
            "set": redis.client.smembers,
            "list": lambda name: redis.client.lrange(name, 0, -1),
        }
        parts.append(f"{key} {await read[kind](key)!r}")
    return "\n".join(parts)


async def postgresql_dump(world: World) -> str:
    """Every row of every table, as a dump has it, and the statements that the server remembers."""
    tables = await world.database.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    parts: list[str] = []
    for table in tables:
        name = table["tablename"]
        parts += [row["row"] for row in await world.database.fetch(f"SELECT t::text AS row FROM {name} t")]  # noqa: S608
    activity = await world.database.fetch("SELECT query FROM pg_stat_activity")
    return "\n".join([*parts, *(row["query"] or "" for row in activity)])


def scripted(world: World, echoed: str, policyholder: Mapping[str, Any]) -> None:
    """Insurers that repeat what they were sent, each where it hurts most."""
    world.sandbox.script("sever", Decline(code=FIELDS["vin"], message=echoed, times="forever"))
    world.sandbox.script("volga", Decline(step="create", code=echoed[:50], message=echoed, times="forever"))
    world.sandbox.script("ural", WrongShape(body={"status": echoed, "offer": {"number": echoed}}, times="forever"))
    world.sandbox.script("baikal", Garbage(text=echoed, times="forever"))
    world.sandbox.script("taiga", Status(status=500, times="forever"))
    passport, phone = policyholder["document"]["number"], policyholder["phone"]
    for number, insurer in zip(
        (
            f"{passport} {FIELDS['lastName']} {FIELDS['firstName']}",
            f"N-{separated(passport)}",
            f"{FIELDS['firstName']}/{FIELDS['lastName']}",
            f"{FIELDS['vin'].lower()}.1",
            quote(FIELDS["lastName"]),
            f"8 ({phone[2:5]}) {phone[5:8]}-{phone[8:10]}-{phone[10:]}",
        ),
        DIALECTS,
        strict=True,
    ):
        link = f"https://ins.example/buy?phone={phone[1:]}&passport={passport}&name={quote(FIELDS['lastName'])}"
        world.sandbox.script(insurer, Offer(premium="5000.00", number=number, purchase_url=link))


def wrong_ones(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Requests that fail at every stage of reading: in GraphQL's coercion, in its literals, in the domain."""
    for path, value in (
        ("usageMonths", FIELDS["lastName"]),
        ("startsOn", FIELDS["birthDate"]),
        ("vehicle", FIELDS["vin"]),
    ):
        yield {
            "query": CREATE,
            "variables": {"input": {**request, "application": {**request["application"], path: value}}},
        }
    broken = json.loads(json.dumps(request))
    broken["application"]["policyholder"]["person"] |= {
        "phone": FIELDS["lastName"],
        "email": FIELDS["firstName"],
        "document": {"number": FIELDS["vin"]},
    }
    yield {"query": CREATE, "variables": {"input": broken}}
    literal = (
        f'customerId: "1", application: {{ usageMonths: "{FIELDS["lastName"]}", startsOn: "{FIELDS["birthDate"]}" }}'
    )
    yield {"query": f"mutation {{ createQuoteRequest(input: {{ {literal} }}) {{ __typename }} }}"}
    yield {"query": f'{{ quoteRequest(id: {{ a: "{FIELDS["lastName"]}" }}) {{ id }} }}'}
    yield {"query": f'{{ quoteRequest(id: "{FIELDS["lastName"]}" '}
    yield {"query": f'"{FIELDS["lastName"]}"'}
    yield {
        "query": CREATE,
        "variables": {"input": {"customerId": {"x": FIELDS["lastName"]}, "application": [FIELDS["email"]]}},
    }


async def poisoned(world: World, api: ApiAtHand, request: dict[str, Any], made: list[str]) -> dict[str, Any]:
    """A request with a stored application that is none: each reader of it fails, while it holds a marker."""
    accepted = (await api.post(CREATE, {"input": {**request, "insurerIds": ["sever"]}})).json()["data"][
        "createQuoteRequest"
    ]
    request_id = UUID(accepted["quoteRequest"]["id"])
    document = json.dumps({"vehicle": {"category": made[0], made[1]: made[2]}}, ensure_ascii=False).encode()
    sealed = Cipher.from_setting(KEYS).seal(request_id, document)
    await world.database.fetch("UPDATE osago_requests SET application = $2 WHERE id = $1", request_id, sealed.box)
    return accepted


def taken_link(event: dict[str, Any]) -> str | None:
    """The link to buy in an event, which is the one thing that may hold personal data; it is taken out."""
    for quote_of in ("quote", "bestQuote"):
        offer = (event.get(quote_of) or {}).get("offer") or {}
        link = offer.pop("purchaseUrl", None)
        if link and quote_of == "quote":
            return link
    return None


async def metrics_of(url: str) -> str:
    async with plain_http() as http:
        return (await http.get(f"{url}/metrics")).text


@pytest.mark.processes
async def test_nothing_personal_leaves_but_to_insurers(world: World) -> None:
    """Redis, a dump of PostgreSQL, logs at their most talkative, metrics, traces, dead letters, answers: no marker in any of them."""
    more = {"retry": {"attempts": 2, "first": "10ms", "most": "20ms"}}
    each = {id_: {"adapter": adapter, "options": options} for id_, (adapter, options) in DIALECTS.items()}
    await world.insurers(*INSURERS, more=more, each=each)
    made: list[str] = []
    request = world.new_request(customerId="customer-7")
    request["application"] = marked(request["application"], made)
    request["application"]["drivers"]["listed"][1]["birthDate"] = "1972-05-06"
    made.append("1972-05-06")
    scripted(world, " ".join(made), request["application"]["policyholder"]["person"])
    world.set(log_level="debug", log_format="json", max_deliveries=1, rate_limit="1000/s", customer_rate_limit="1000/s")
    async with AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(otlp_receiver())
        environment = {**world.environment, **receiver.environment()}
        apart = await stack.enter_async_context(api_process(world.folder, environment))
        api = ApiAtHand(apart.url, world.token(), None)
        links: list[str] = []
        answers = [(await api.post(body["query"], body.get("variables"))).text for body in wrong_ones(request)]
        poison = await poisoned(world, api, request, made)
        worker = await stack.enter_async_context(worker_process(world.folder, environment))
        accepted = (await api.post(CREATE, {"input": request})).json()["data"]["createQuoteRequest"]
        for one in (accepted, poison):
            events = await world.watched(api, one)
            assert events[-1]["outcome"] == "ALL_ANSWERED"
            links += [link for event in events if (link := taken_link(event))]
            answers.append(json.dumps([one, events], ensure_ascii=False))
        await world.database.break_connections()
        answers.append((await api.post(CREATE, {"input": request})).text)
        stories = [
            await typed_beside(world, "explain", one["quoteRequest"]["id"], "--json") for one in (accepted, poison)
        ]
        found = {"Redis": await redis_dump(world.redis), "PostgreSQL": await postgresql_dump(world)}
        found["metrics"] = await metrics_of(apart.url) + await metrics_of(worker.url)
        await worker.stop()
        await apart.stop()
        found |= {"API's log": apart.text, "worker's log": worker.text, "answers": "\n".join(answers)}
        found["spans"] = "\n".join(body.decode(errors="replace") for body in receiver.bodies)
        found["stories"] = "\n".join(one.stdout + one.stderr for one in stories)
    hops = {"process jobs", "ask apart", "create", "poll", "POST", "push events"}
    assert {span.name for span in receiver.spans} >= hops
    assert not [token for token in (api.token, accepted["watchToken"]) if token in found["spans"]]
    for where in ("Redis", "PostgreSQL", "answers", "stories", "spans"):
        assert accepted["quoteRequest"]["id"] in found[where], "the search looks where the request is"
    assert ":dead-letters" in found["Redis"]
    assert len(links) == len(DIALECTS), "a link is its customer's, with everything that the insurer wrote into it"
    assert {link.partition("?")[0] for link in links} == {"https://ins.example/buy"}
    assert "job.buried" in found["worker's log"]
    assert {where: left for where, text in found.items() if (left := within(text, made))} == {}
