"""GraphQL over HTTP: authentication, permissions, and the errors of malformed requests."""

import gzip
import time
from datetime import timedelta
from typing import Any

import httpx
import pytest
from support.plain_http import plain_http
from support.until import until
from support.world import SECRET, ApiAtHand, World

from app.api.auth.tokens import Tokens
from app.api.graphql_errors import _without_values
from app.runtime.clock import Clock
from bench.system import CREATE

INSURERS = "{ insurers { id } }"


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    world.write_insurers("sever", "volga")
    return await world.api()


async def posted(api: ApiAtHand, content: bytes, **headers: str) -> httpx.Response:
    sent = {"Authorization": f"Bearer {api.token}", "Content-Type": "application/json", **headers}
    async with plain_http() as http:
        return await http.post(api.graphql, content=content, headers={k: v for k, v in sent.items() if v})


async def test_a_query_is_answered(api: ApiAtHand) -> None:
    """The reply has the id that its log lines have."""
    response = await api.post(INSURERS, headers={"X-Request-Id": "abc"})
    assert response.json() == {"data": {"insurers": [{"id": "sever"}, {"id": "volga"}]}}
    assert response.headers["x-request-id"] == "abc"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"null", 400),
        (b"[]", 400),
        (b'"x"', 400),
        (b"{}", 400),
        (b"{", 400),
        (b'{"query": 1}', 400),
        (b'{"query": "{insurers{id}}", "variables": []}', 400),
        (b'{"query": "{insurers{id}}", "operationName": 1}', 400),
        (b"[" * 60_000, 400),
        (b'{"query": "\xff"}', 400),
        (b"x" * 70_000, 413),
    ],
)
async def test_a_wrong_body_is_the_callers_fault(api: ApiAtHand, body: bytes, status: int) -> None:
    """A proper 4xx with a reason, never a 500."""
    response = await posted(api, body)
    assert response.status_code == status
    assert response.json()["errors"][0]["extensions"] == {"code": "BAD_REQUEST"}


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"], ids=["UTF-8", "UTF-16LE", "UTF-16BE"])
@pytest.mark.parametrize("path", ["/graphql", "/osago/quotes"])
async def test_a_byte_order_mark_is_named(api: ApiAtHand, path: str, mark: bytes) -> None:
    """An editor does not show it, and "JSON is expected" is no help for what looks like JSON."""
    headers = {"Authorization": f"Bearer {api.token}", "Content-Type": "application/json"}
    async with plain_http() as client:
        response = await client.post(api.url + path, content=mark + b'{"query": "{insurers{id}}"}', headers=headers)
    assert response.status_code == 400
    assert "BOM" in response.text


@pytest.mark.parametrize("path", ["/graphql", "/osago/quotes"])
async def test_a_compressed_body_is_named(api: ApiAtHand, path: str) -> None:
    """Some clients compress all that they send."""
    headers = {"Authorization": f"Bearer {api.token}", "Content-Type": "application/json", "Content-Encoding": "gzip"}
    async with plain_http() as client:
        response = await client.post(
            api.url + path, content=gzip.compress(b'{"query": "{insurers{id}}"}'), headers=headers
        )
    assert response.status_code == 415
    assert "gzip" in response.text


async def test_another_content_type_is_not_read(api: ApiAtHand) -> None:
    """A form of another site cannot post here."""
    assert (await posted(api, b"{}", **{"Content-Type": "text/plain"})).status_code == 415


@pytest.mark.parametrize("query", ["{", "{ nothing }", "query A { insurers { id } } query B { insurers { id } }"])
async def test_a_request_error_is_a_400_in_the_modern_type(api: ApiAtHand, query: str) -> None:
    """Clients of the older media type get 200 with errors and without data."""
    modern = await api.post(query, headers={"Accept": "application/graphql-response+json"})
    assert (modern.status_code, modern.headers["content-type"]) == (
        400,
        "application/graphql-response+json; charset=utf-8",
    )
    legacy = await api.post(query, headers={"Accept": "application/json"})
    assert legacy.status_code == 200
    assert "data" not in legacy.json()


@pytest.mark.parametrize("token", ["", "forged", "a.b.c", "x" * 5000])
async def test_without_a_good_token_nothing_is_answered(api: ApiAtHand, token: str) -> None:
    """401, and the code that says why."""
    response = await posted(api, b'{"query": "{insurers{id}}"}', Authorization=f"Bearer {token}" if token else "")
    assert response.status_code == 401
    assert response.json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}


async def test_a_token_expires_and_belongs_to_its_secret(api: ApiAtHand, world: World) -> None:
    """An expired token, a token of another secret, and a token without its scope are refused."""
    expired = Tokens(SECRET, Clock(), watch_ttl_s=1).service_token("core-app", "quotes:read", timedelta(seconds=-1))
    foreign = Tokens(SECRET + "?", Clock(), watch_ttl_s=1).service_token("core-app", "quotes:read", timedelta(hours=1))
    for token in (expired, foreign):
        assert (await api.post(INSURERS, token=token)).status_code == 401
    reader = world.token(scope="quotes:read")
    body = {"input": world.new_request()}
    mutation = "mutation M($input: CreateQuoteRequestInput!) { createQuoteRequest(input: $input) { __typename } }"
    [error] = (await api.post(mutation, body, token=reader)).json()["errors"]
    assert error["extensions"] == {"code": "FORBIDDEN"}


REQUEST = "query Q($id: ID!) { quoteRequest(id: $id) { id status progress { answered total } } }"


async def test_a_caller_sees_its_own_requests_only(api: ApiAtHand, world: World) -> None:
    """Another service's look as if they were not there; a watch token opens its one request, and changes nothing."""
    first, second = await world.accepted(api), await world.accepted(api)
    id_ = first["quoteRequest"]["id"]

    async def seen(token: str, request_id: str = id_) -> Any:
        return (await api.post(REQUEST, {"id": request_id}, token=token)).json()["data"]["quoteRequest"]

    assert (await seen(api.token))["progress"] == {"answered": 0, "total": 2}
    assert await seen(world.token("another-app")) is None
    assert (await seen(first["watchToken"]))["id"] == id_
    assert await seen(second["watchToken"]) is None
    [error] = (await api.post(INSURERS, token=first["watchToken"])).json()["errors"]
    assert error["extensions"] == {"code": "FORBIDDEN"}
    cancel = "mutation C($id: ID!) { cancelQuoteRequest(id: $id) { status } }"
    [error] = (await api.post(cancel, {"id": id_}, token=first["watchToken"])).json()["errors"]
    assert error["extensions"] == {"code": "FORBIDDEN"}
    assert (await api.post(cancel, {"id": id_}, token=world.token("another-app"))).json()["data"] == {
        "cancelQuoteRequest": None
    }


async def test_get_reads_and_never_writes(api: ApiAtHand) -> None:
    """A query may stand in a URL; a mutation may not."""
    headers = {"Authorization": f"Bearer {api.token}", "Accept": "application/graphql-response+json"}
    async with plain_http() as http:
        read = await http.get(api.graphql, params={"query": INSURERS}, headers=headers)
        written = await http.get(
            api.graphql, params={"query": 'mutation { cancelQuoteRequest(id: "x") { id } }'}, headers=headers
        )
    assert read.json()["data"]["insurers"]
    assert written.status_code == 405


async def test_a_wrong_value_is_reported_without_being_repeated(api: ApiAtHand, world: World) -> None:
    """Strict scalars: neither a birth date nor a number comes back in an error."""
    request = world.new_request()
    request["application"]["policyholder"]["person"]["birthDate"] = "19850607"
    request["application"]["vehicle"]["enginePower"] = "NaN"
    mutation = "mutation M($input: CreateQuoteRequestInput!) { createQuoteRequest(input: $input) { __typename } }"
    text = (await api.post(mutation, {"input": request})).text
    assert "birthDate" in text
    assert "19850607" not in text


async def test_a_head_writes_nothing_and_does_not_last(world: World, api: ApiAtHand) -> None:
    """A stream would have no body, and what it pushed would stand in place of the next answer."""
    accepted = await world.accepted(api)
    request_id, headers = accepted["quoteRequest"]["id"], {"Authorization": f"Bearer {api.token}"}
    cancel = {"query": f'mutation{{cancelQuoteRequest(id:"{request_id}"){{id}}}}'}
    watch = {"query": f'subscription{{quotes(requestId:"{request_id}"){{__typename}}}}'}
    async with plain_http() as http:
        for _ in range(2):
            for url, accept, body in (
                (api.graphql, "application/json", cancel),
                (api.graphql, "text/event-stream", cancel),
                (api.graphql, "text/event-stream", watch),
                (f"{api.url}/osago/quotes/{request_id}/events", "text/event-stream", None),
            ):
                answer = await http.request("HEAD", url, headers={**headers, "Accept": accept}, json=body)
                assert (answer.status_code, answer.content) == (405, b""), (url, body)
                assert (answer.headers["allow"] == "GET") == (body is None)
                assert answer.headers["x-request-id"]
    left = await api.post(f'{{ quoteRequest(id: "{request_id}") {{ status }} }}')
    assert left.json() == {"data": {"quoteRequest": {"status": "COLLECTING"}}}


@pytest.mark.parametrize("name", ["Value " * 9_000, "found: " * 8_000, "Unexpected a '" * 4_000])
async def test_a_long_name_is_reported_shortly(api: ApiAtHand, world: World, name: str) -> None:
    """What was sent repeats the words that a message is looked through for."""
    variables = {"input": {**world.new_request(), name: 1}}
    error = (await api.post(CREATE, variables)).json()["errors"][0]
    assert error["extensions"]["code"] == "BAD_REQUEST"
    assert len(error["message"]) < 400


def test_a_message_is_looked_through_in_one_go() -> None:
    """Of 300 KB of its first word: time that grows with the square would be half a minute."""
    began_at = time.process_time()
    assert _without_values("Value " * 50_000).startswith("Value Value ")
    assert time.process_time() - began_at < 1
    said = "x does not exist in 'Y' enum."
    assert _without_values("Value " * 50_000 + said) == "The value does not exist in 'Y' enum."


async def test_graphiql_opens_for_a_browser(api: ApiAtHand) -> None:
    """The page is served by the project itself, under a policy that allows nothing of other hosts."""
    async with plain_http() as http:
        page = await http.get(api.graphql, headers={"Accept": "text/html,*/*"})
        script = await http.get(f"{api.url}/graphql/static/graphiql.js")
    assert page.headers["content-type"].startswith("text/html")
    assert "__CONFIG__" not in page.text
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert script.status_code == 200


async def test_health_and_metrics(api: ApiAtHand, world: World) -> None:
    """`/healthz`, `/readyz` and `/metrics` answer without a token."""
    await world.accepted(api)
    async with plain_http() as http:
        assert (await http.get(f"{api.url}/healthz")).text == "alive\n"

        async def is_ready() -> bool:  # a process that stood still takes its servers for gone until its next look
            ready = await http.get(f"{api.url}/readyz")
            return (ready.status_code, ready.json()) == (200, {"status": "ready", "postgresql": "ok", "redis": "ok"})

        await until(is_ready)
        metrics = (await http.get(f"{api.url}/metrics")).text
    assert "osago_requests_accepted_total" in metrics


async def test_readiness_names_what_is_missing(world: World) -> None:
    """Without Redis the API is degraded but ready; without PostgreSQL, or with an old schema, it is not ready."""
    world.write_insurers("sever")
    world.set(redis_url="redis://127.0.0.1:1/0")
    degraded = await world.api()
    world.set(database_url="postgresql://osago@127.0.0.1:1/osago")
    alone = await world.api()
    async with plain_http() as http:
        answer = await http.get(f"{degraded.url}/readyz")
        assert (answer.status_code, answer.json()["status"], answer.json()["redis"]) == (200, "degraded", "not there")

        async def is_alone() -> bool:
            answer = await http.get(f"{alone.url}/readyz")
            return (answer.status_code, answer.json()["postgresql"]) == (503, "not there")

        await until(is_alone)
        await world.database.fetch("DROP TABLE alembic_version")

        async def is_behind() -> bool:
            answer = await http.get(f"{degraded.url}/readyz")
            return answer.status_code == 503 and "osago migrate" in answer.json()["postgresql"]

        await until(is_behind)
