"""The demo's processes answer to names of this machine, so that DNS rebinding reads no token."""

import httpx
import pytest
from support.plain_http import plain_http
from support.processes import osago
from support.until import until
from support.world import World
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from sandbox.demo.servers import free_port

EVIL = "evil.example:8000"
CALLS = [
    ("GET", "/graphql"),
    ("POST", "/graphql"),
    ("GET", "/healthz"),
    ("GET", "/osago/quotes/x"),
    ("GET", "/nothing"),
]


@pytest.fixture
async def url(world: World) -> str:
    """An API with a token in its GraphiQL, as in the demo."""
    world.set(graphiql_token=world.token())
    world.write_insurers("sever")
    return (await world.api()).url


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_an_api_that_shows_a_token_answers_to_loopback_names(
    url: str, world: World, method: str, path: str
) -> None:
    """421 for any other, and nothing of the page, with an origin or without."""
    body = {"query": "{ __typename }"} if method == "POST" else None
    async with httpx.AsyncClient(headers={"Accept": "text/html", "Authorization": f"Bearer {world.token()}"}) as http:
        for more in ({}, {"Origin": f"http://{EVIL}"}):
            evil = await http.request(method, url + path, json=body, headers={"Host": EVIL, **more})
            assert (evil.status_code, evil.text) == (421, "This server answers to localhost only\n")
        for host in ("localhost:8000", "127.0.0.1"):
            assert (await http.request(method, url + path, json=body, headers={"Host": host})).status_code != 421


async def test_no_socket_opens_for_another_name(url: str) -> None:
    """A rebound page's `Origin` is its `Host`."""
    with pytest.raises(InvalidStatus) as refused:
        async with connect(
            f"{url.replace('http', 'ws', 1)}/graphql",
            additional_headers={"Host": EVIL},
            origin=f"http://{EVIL}",  # type: ignore[arg-type]
            subprotocols=["graphql-transport-ws"],  # type: ignore[list-item]
        ):
            pass
    assert refused.value.response.status_code == 421


async def test_an_api_without_a_token_to_show_answers_to_any_name(world: World) -> None:
    """It stands behind names of its own."""
    world.write_insurers("sever")
    api = await world.api()
    answer = await api.post("{ __typename }", headers={"Host": "osago.example"})
    assert answer.json() == {"data": {"__typename": "Query"}}


@pytest.mark.processes
@pytest.mark.parametrize("command", ["sandbox", "core-app"])
async def test_the_other_processes_of_the_demo_do_so_too(world: World, command: str) -> None:
    """They listen on the loopback host by default."""
    port = free_port()
    environment = {**world.environment, "OSAGO_TOKEN": "none"}
    async with (
        osago(world.folder, environment, command, "--port", str(port), port=port) as process,
        plain_http() as http,
    ):

        async def answered() -> int | None:
            try:
                return (await http.get(f"{process.url}/docs", headers={"Host": "localhost"})).status_code
            except httpx.TransportError:
                return None

        assert await until(answered) in {200, 307}
        assert (await http.get(f"{process.url}/", headers={"Host": EVIL})).status_code == 421
