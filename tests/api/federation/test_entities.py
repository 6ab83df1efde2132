"""Entities, as a gateway asks for them: each caller gets by key what it would get without a gateway, and null for the rest."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from support.socket import opened
from support.world import ApiAtHand, SettlerAtHand, World

from app.api.execution.document_cost import REPRESENTATIONS_MAX
from app.api.schema import queries
from app.api.schema.federation import entities
from app.api.schema.federation.entities import CUSTOMERS_AT_ONCE, OPEN_SHOWN_MAX

ENTITIES: Final = """query ($representations: [_Any!]!) { _entities(representations: $representations) { __typename
  ... on QuoteRequest { id customerId status progress { answered total } quotes { status insurer { id } } }
  ... on Insurer { id name availability }
  ... on Customer { id openRequests { id status } } } }"""
STATUSES: Final = "query ($of: [_Any!]!) { _entities(representations: $of) { ... on QuoteRequest { id status } } }"
OPEN: Final = "query ($of: [_Any!]!) { _entities(representations: $of) { ... on Customer { id openRequests { id } } } }"


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    world.write_insurers("sever", "volga")
    return await world.api()


def request(id_: object) -> dict[str, Any]:
    return {"__typename": "QuoteRequest", "id": id_}


def customer(id_: object) -> dict[str, Any]:
    return {"__typename": "Customer", "id": id_}


def insurer(id_: object) -> dict[str, Any]:
    return {"__typename": "Insurer", "id": id_}


def id_of(accepted: Mapping[str, Any]) -> str:
    return accepted["quoteRequest"]["id"]


async def asked(
    api: ApiAtHand, *representations: object, token: str | None = None, query: str = ENTITIES
) -> dict[str, Any]:
    """The whole response."""
    name = "of" if query is not ENTITIES else "representations"
    return (await api.post(query, {name: representations}, token=token or api.token)).json()


async def found(api: ApiAtHand, *representations: object, token: str | None = None) -> list[Any]:
    """The entities; the id alone of each one that is there."""
    body = await asked(api, *representations, token=token)
    assert "errors" not in body, body
    return [entity and entity["id"] for entity in body["data"]["_entities"]]


def codes(body: Mapping[str, Any]) -> list[str]:
    return [error["extensions"]["code"] for error in body["errors"]]


async def test_a_service_gets_its_entities_by_key(world: World, api: ApiAtHand, settler: SettlerAtHand) -> None:
    """Results have the order of their representations, and all fields that a query would show."""
    first, second = await world.accepted(api), await world.accepted(api)
    await settler.settle(first, "sever")
    body = await asked(
        api, insurer("volga"), request(id_of(second)), customer("customer-1"), request(id_of(first)), insurer("sever")
    )
    quotes = [{"status": "OFFERED", "insurer": {"id": "sever"}}, {"status": "PENDING", "insurer": {"id": "volga"}}]
    common = {"__typename": "QuoteRequest", "customerId": "customer-1", "status": "COLLECTING"}
    got = body["data"]["_entities"]
    assert [entity["id"] for entity in got] == ["volga", id_of(second), "customer-1", id_of(first), "sever"]
    assert got[0] == {"__typename": "Insurer", "id": "volga", "name": "Volga", "availability": "AVAILABLE"}
    assert got[3] == {**common, "id": id_of(first), "progress": {"answered": 1, "total": 2}, "quotes": quotes}
    assert got[2]["openRequests"] == [{"id": id_of(one), "status": "COLLECTING"} for one in (first, second)]


async def test_what_is_not_there_is_null(api: ApiAtHand) -> None:
    """A request and an insurer without a name here, and ids that none could have."""
    unknown = [request(str(uuid4())), request("1"), request(""), customer("я" * 99), insurer("nobody"), insurer("")]
    impossible = [customer(""), customer("a\0b"), customer("x" * 1000)]
    assert await found(api, *unknown, *impossible) == [None] * 9


async def test_a_customer_without_requests_is_one_all_the_same(world: World, api: ApiAtHand) -> None:
    """Which customers there are another subgraph knows: null would take its own fields away, too."""
    ended = await world.accepted(api, customerId="anna")
    await api.post("mutation ($id: ID!) { cancelQuoteRequest(id: $id) { id } }", {"id": id_of(ended)})
    body = await asked(api, customer("anna"), customer("boris"))
    got = [entity["openRequests"] for entity in body["data"]["_entities"]]
    assert got == [[], []]


async def test_another_services_entities_are_null(world: World, api: ApiAtHand) -> None:
    """Another service may have a customer of the same id: it is another customer."""
    theirs = await world.accepted(api, customerId="anna")
    stranger = world.token("another-service")
    assert await found(api, request(id_of(theirs)), token=stranger) == [None]
    body = await asked(api, customer("anna"), token=stranger)
    assert body["data"]["_entities"][0]["openRequests"] == []


async def test_a_watch_token_gets_its_own_request_alone(world: World, api: ApiAtHand) -> None:
    """Not its neighbour of the same customer, not the customer, and no insurer: a browser may not list those either."""
    mine, neighbours = await world.accepted(api), await world.accepted(api)
    representations = [request(id_of(neighbours)), request(id_of(mine)), customer("customer-1"), insurer("sever")]
    assert await found(api, *representations, token=mine["watchToken"]) == [None, id_of(mine), None, None]


async def test_a_customers_token_gets_the_customer_and_its_requests(world: World, api: ApiAtHand) -> None:
    """Customers of other services with the same id are not among them."""
    annas, boriss = await world.accepted(api, customerId="anna"), await world.accepted(api, customerId="boris")
    token, _ = api.services.tokens.customer_token("core-app", "anna")
    strangers, _ = api.services.tokens.customer_token("another-service", "anna")
    representations = [request(id_of(annas)), request(id_of(boriss)), customer("boris"), insurer("sever")]
    assert await found(api, *representations, token=token) == [id_of(annas), None, None, None]
    body = await asked(api, customer("anna"), token=token)
    assert [one["id"] for one in body["data"]["_entities"][0]["openRequests"]] == [id_of(annas)]
    assert await found(api, request(id_of(annas)), token=strangers) == [None]
    body = await asked(api, customer("anna"), token=strangers)
    assert body["data"]["_entities"][0]["openRequests"] == []


async def test_a_service_that_may_not_read_gets_nothing(world: World, api: ApiAtHand) -> None:
    """Not even the representation of its own request is resolved."""
    mine = await world.accepted(api)
    blind = world.token(scope="quotes:write")
    assert await found(api, request(id_of(mine)), customer("customer-1"), insurer("sever"), token=blind) == [None] * 3


@pytest.mark.parametrize("odd", ["x", 1, None, [], {}, {"id": "sever"}, {"__typename": 1, "id": "sever"}])
async def test_what_is_no_representation_fails_the_request(api: ApiAtHand, odd: object) -> None:
    """The error has a code and repeats no value; no gateway sends such a request."""
    body = await asked(api, insurer("sever"), odd)
    assert codes(body) == ["BAD_REQUEST"]
    assert body.get("data") is None
    assert "sever" not in json.dumps(body)


async def test_a_representation_that_names_no_entity_is_an_error_in_its_place(api: ApiAtHand) -> None:
    """A supergraph may be newer than this subgraph; the other representations are resolved."""
    odd = [{"__typename": "Quote", "id": "anna@mail"}, {"__typename": "Insurer"}, insurer(7), insurer(["sever"])]
    body = await asked(api, *odd, insurer("sever"))
    assert body["data"]["_entities"][:4] == [None] * 4
    assert body["data"]["_entities"][4]["id"] == "sever"
    assert codes(body) == ["BAD_REQUEST"] * 4
    assert [error["path"] for error in body["errors"]] == [["_entities", place] for place in range(4)]
    assert "anna@mail" not in json.dumps(body)


async def test_a_literal_may_be_a_representation(api: ApiAtHand) -> None:
    """Documents written by hand have such literals; a number that cannot be read is the caller's fault."""
    query = '{ _entities(representations: [{__typename: "Insurer", id: "sever"}]) { ... on Insurer { name } } }'
    assert (await api.post(query)).json() == {"data": {"_entities": [{"name": "Sever"}]}}
    assert codes((await api.post(query.replace('"sever"', "9" * 5000))).json()) == ["BAD_REQUEST"]


async def test_requests_are_read_at_once(world: World, api: ApiAtHand, monkeypatch: pytest.MonkeyPatch) -> None:
    """One statement reads all representations, repeated ones too; requests that a browser may not see are not read."""
    reads: list[Sequence[UUID]] = []
    read = queries.read_requests

    async def counted(connection: Any, ids: Sequence[UUID]) -> Any:
        reads.append(ids)
        return await read(connection, ids)

    monkeypatch.setattr(queries, "read_requests", counted)
    accepted = [await world.accepted(api) for _ in range(3)]
    ids = [id_of(one) for one in accepted]
    assert await found(api, *map(request, ids + ids)) == ids + ids
    assert [len(read) for read in reads] == [3]
    assert await found(api, *map(request, ids[1:]), token=accepted[0]["watchToken"]) == [None, None]
    assert len(reads) == 1


async def test_open_requests_are_read_some_customers_at_a_time(
    world: World, api: ApiAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No statement for each; a repeated customer is read once."""
    sizes: list[int] = []
    read = entities.open_requests_of

    async def counted(connection: Any, customers: Sequence[Any], *, most: int) -> Any:
        sizes.append(len(customers))
        assert most == OPEN_SHOWN_MAX
        return await read(connection, customers, most=most)

    monkeypatch.setattr(entities, "open_requests_of", counted)
    last = await world.accepted(api, customerId="customer-14")
    names = [f"customer-{number}" for number in range(15)] * 2
    body = await asked(api, *map(customer, names), query=OPEN)
    got = {entity["id"]: entity["openRequests"] for entity in body["data"]["_entities"]}
    assert got.pop("customer-14") == [{"id": id_of(last)}]
    assert list(got.values()) == [[]] * 14
    assert sorted(sizes) == [15 - CUSTOMERS_AT_ONCE, CUSTOMERS_AT_ONCE]


async def test_a_request_that_ends_between_two_statements_is_open_no_longer(
    world: World, api: ApiAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which requests are open is one statement, what they hold is another."""
    read = entities.open_requests_of

    async def then_cancelled(connection: Any, customers: Sequence[Any], *, most: int) -> Any:
        found = await read(connection, customers, most=most)
        await api.services.ending.cancel(UUID(id_of(accepted)))
        return found

    monkeypatch.setattr(entities, "open_requests_of", then_cancelled)
    accepted = await world.accepted(api)
    body = await asked(api, customer("customer-1"), query=OPEN)
    assert body["data"]["_entities"] == [{"id": "customer-1", "openRequests": []}]


async def test_representations_have_a_number(api: ApiAtHand) -> None:
    """Refused before anything is read, by HTTP and over a socket; what is within it is answered."""
    many = [request(str(uuid4())) for _ in range(REPRESENTATIONS_MAX)]
    assert (await asked(api, *many, query=STATUSES))["data"]["_entities"] == [None] * REPRESENTATIONS_MAX
    body = await asked(api, *many, many[0], query=STATUSES)
    assert codes(body) == ["TOO_COMPLEX"]
    async with opened(api.graphql) as socket:
        await socket.init(api.token)
        await socket.subscribe(STATUSES, {"of": [*many, many[0]]})
        assert (await socket.receive())["payload"][0]["extensions"] == {"code": "TOO_COMPLEX"}


async def test_each_request_that_is_read_counts_as_a_query(world: World) -> None:
    """A customer's token has no more of them than it has queries; what it may not see costs it none."""
    world.write_insurers("sever")
    world.set(watch_share="4,16,1/s")
    api = await world.api()
    token, _ = api.services.tokens.customer_token("core-app", "anna")
    ids = [request(str(uuid4())) for _ in range(40)]
    assert codes(await asked(api, *ids, token=token, query=STATUSES)) == ["OVERLOADED"]
    mine = await world.accepted(api)
    assert (await found(api, *ids[:10], request(id_of(mine)), token=mine["watchToken"]))[-1] == id_of(mine)


async def test_without_postgresql_entities_say_so(world: World, api: ApiAtHand) -> None:
    """The error has a code; customers and insurers need no database, and are resolved."""
    mine = await world.accepted(api)
    await world.database.break_connections(for_good=True)
    body = await asked(api, request(id_of(mine)))
    assert codes(body) == ["UNAVAILABLE"]
    body = await asked(api, customer("customer-1"), insurer("sever"))
    assert codes(body) == ["UNAVAILABLE"]
    assert body["data"]["_entities"][0] == {"__typename": "Customer", "id": "customer-1", "openRequests": None}
    assert body["data"]["_entities"][1]["id"] == "sever"
