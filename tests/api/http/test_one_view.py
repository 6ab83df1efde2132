"""One view for every way of a request: its plans, and its ids in the log."""

from typing import Any

import pytest
import structlog
from support.other_servers import plain_uvicorn
from support.plain_http import plain_http
from support.plans import planned
from support.socket import opened
from support.until import until
from support.world import ApiAtHand, World

from app.api.compiled.mutation_plan import MutationPlan
from bench.system import CREATE

ORIGIN = "https://shop.example"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The aliases of what plans have written."""
    keys: list[str] = []
    write = MutationPlan.write

    def noted(self: MutationPlan, *arguments: Any) -> Any:
        keys.append(self.key)
        return write(self, *arguments)

    monkeypatch.setattr(MutationPlan, "write", noted)
    return keys


async def taught(world: World, api: ApiAtHand) -> None:
    """CREATE has a plan."""
    for _ in range(2):
        assert (await api.post(CREATE, {"input": world.new_request()})).json()["data"]
    await until(lambda: len(planned(api.services.operations)) == 1)


async def test_plans_are_used_under_any_server(world: World, written: list[str]) -> None:
    """The same reply, header by header, but for what the server itself adds."""
    world.write_insurers("sever")
    async with plain_uvicorn(world) as api:
        await taught(world, api)
        assert written == []
        new_request = world.new_request(clientReference="a-1")
        by_plan = await api.post(CREATE, {"input": new_request}, headers={"X-Request-Id": "abc"})
        assert written == ["createQuoteRequest"]
        by_core = await api.post(f"{CREATE}#", {"input": new_request}, headers={"X-Request-Id": "abc"})
    found = [one.json()["data"]["createQuoteRequest"]["quoteRequest"]["id"] for one in (by_plan, by_core)]
    assert found[0] == found[1]
    assert {**by_plan.headers, "content-length": "", "date": ""} == {
        **by_core.headers,
        "content-length": "",
        "date": "",
    }
    assert by_plan.headers["x-request-id"] == "abc"


async def test_plans_are_used_by_every_transport(world: World, written: list[str]) -> None:
    """Directly, with an `Origin`, and over a WebSocket."""
    world.write_insurers("sever")
    world.set(origins=ORIGIN)
    api = await world.api()
    await taught(world, api)
    assert (await api.post(CREATE, {"input": world.new_request()})).json()["data"]
    response = await api.post(CREATE, {"input": world.new_request()}, headers={"Origin": ORIGIN})
    assert response.headers["access-control-allow-origin"] == ORIGIN
    async with opened(api.graphql) as socket:
        await socket.init(api.token)
        await socket.subscribe(CREATE, {"input": world.new_request()})
        message = await socket.receive()
    assert message["payload"]["data"]["createQuoteRequest"]["__typename"] == "QuoteRequestAccepted"
    assert len(written) == 3


async def test_the_requests_id_is_in_every_log_line_of_every_way(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is bound when the use case runs is in each line that it logs."""
    world.write_insurers("sever")
    world.set(origins=ORIGIN)
    api = await world.api()
    ids: list[Any] = []
    accept = api.services.accepting.accept

    async def noted(*arguments: Any) -> Any:
        ids.append(structlog.contextvars.get_contextvars().get("request_id"))
        return await accept(*arguments)

    await taught(world, api)
    monkeypatch.setattr(api.services.accepting, "accept", noted)
    for name, document, more in (
        ("plan", CREATE, {}),
        ("core", f"{CREATE}#", {}),
        ("asgi", CREATE, {"Origin": ORIGIN}),
    ):
        await api.post(document, {"input": world.new_request()}, headers={"X-Request-Id": name, **more})
    async with plain_http() as http:
        headers = {"Authorization": f"Bearer {api.token}", "X-Request-Id": "rest"}
        await http.post(f"{api.url}/osago/quotes", json=world.new_request(), headers=headers)
    async with opened(api.graphql) as socket:
        await socket.init(api.token)
        await socket.subscribe(CREATE, {"input": world.new_request()})
        await socket.receive()
    assert ids[:4] == ["plan", "core", "asgi", "rest"]
    assert ids[4]
    assert structlog.contextvars.get_contextvars() == {}
