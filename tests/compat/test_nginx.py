"""`deploy/nginx.conf` in a real nginx before a real API: addresses, limits, upgrades."""

import subprocess
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from support.nginx import command, nginx, written
from support.world import ApiAtHand, World
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

ONE, OTHER = "127.0.0.2", "127.0.0.3"
"""Addresses of this machine that clients come from."""
FEW_CONNECTIONS: Final = {"limit_conn connections 5000;": "limit_conn connections 2;"}
FEW_REQUESTS: Final = {"rate=1000r/s;": "rate=1r/m;", "burst=5000 nodelay;": "burst=2 nodelay;"}


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    """It lets each address have two sockets, and believes all of this machine: what nginx passes on is what counts."""
    world.set(sockets_per_address=2, trusted_proxies="127.0.0.0/8")
    world.write_insurers("sever")
    return await world.api()


async def asked(url: str, address: str, **headers: str) -> httpx.Response:
    transport = httpx.AsyncHTTPTransport(local_address=address)
    async with httpx.AsyncClient(transport=transport) as http:
        return await http.post(f"{url}/graphql", json={"query": "{ __typename }"}, headers=headers)


async def socket(stack: AsyncExitStack, url: str, address: str, forwarded: str = "") -> int:
    """Opens a socket that stays open until the stack ends; 101, or the status of the refusal."""
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    opening: Any = connect(
        f"{url.replace('http', 'ws', 1)}/graphql",
        subprotocols=[Subprotocol("graphql-transport-ws")],
        additional_headers=headers,
        local_addr=(address, 0),
    )
    try:
        await stack.enter_async_context(opening)
    except InvalidStatus as refused:
        return refused.response.status_code
    return 101


def test_nginx_reads_the_configuration(tmp_path: Path) -> None:
    """Only the addresses differ from the deployed file."""
    file = written(tmp_path, "127.0.0.1:1", 8080, {})
    checked = subprocess.run([*command(file), "-t"], capture_output=True, text=True, check=False)  # noqa: S603
    assert checked.returncode == 0, checked.stderr
    assert "warn" not in checked.stderr


async def test_an_address_is_not_what_its_client_says(api: ApiAtHand, tmp_path: Path) -> None:
    """A made-up X-Forwarded-For for each socket: they count as those of one address all the same."""
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(nginx(tmp_path, api.url))
        statuses = [await socket(stack, url, ONE, f"6.6.6.{number}, 127.0.0.{number + 4}") for number in range(3)]
        assert statuses == [101, 101, 429]
        assert await socket(stack, url, OTHER) == 101


async def test_a_balancer_that_is_named_is_believed(api: ApiAtHand, tmp_path: Path) -> None:
    """The balancer's X-Forwarded-For counts; an address that the client put before it is not read."""
    changes = {"#set_real_ip_from 172.30.241.1;": f"set_real_ip_from {ONE};"}
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(nginx(tmp_path, api.url, **changes))
        statuses = [await socket(stack, url, ONE, f"6.6.6.{number}, 198.51.100.7") for number in range(3)]
        assert statuses == [101, 101, 429]
        assert await socket(stack, url, ONE, "6.6.6.1, 198.51.100.8") == 101
        assert [await socket(stack, url, OTHER, "198.51.100.9") for _ in range(3)] == [101, 101, 429]


async def test_connections_of_an_address_have_a_limit(world: World, tmp_path: Path) -> None:
    """The limit of nginx comes before that of the API; other addresses are not concerned."""
    world.write_insurers("sever")
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(nginx(tmp_path, (await world.api()).url, **FEW_CONNECTIONS))
        assert [await socket(stack, url, ONE) for _ in range(3)] == [101, 101, 429]
        assert await socket(stack, url, OTHER) == 101
        assert (await asked(url, ONE)).status_code == 429


async def test_requests_of_an_address_have_a_rate(api: ApiAtHand, tmp_path: Path) -> None:
    """What is too much is answered with 429 and when to come back, as GraphQL has errors, and never reaches the API."""
    async with nginx(tmp_path, api.url, **FEW_REQUESTS) as url:
        answers = [await asked(url, ONE) for _ in range(4)]
        assert [answer.status_code == 429 for answer in answers] == [False, False, False, True]
        (error,) = answers[-1].json()["errors"]
        assert error["extensions"] == {"code": "OVERLOADED", "retryAfterSeconds": 1}
        assert answers[-1].headers["Retry-After"] == "1"
        assert (await asked(url, OTHER)).status_code != 429


async def test_a_service_that_is_listed_has_no_rate(api: ApiAtHand, tmp_path: Path) -> None:
    """It sends what many customers ask for."""
    changes = FEW_REQUESTS | {"#192.0.2.10/32 1;": f"{ONE}/32 1;"}
    async with nginx(tmp_path, api.url, **changes) as url:
        assert 429 not in {(await asked(url, ONE)).status_code for _ in range(5)}


@pytest.mark.parametrize("protocol", ["h2c", "h2c, websocket", "TLS/1.0", "websocket2"])
async def test_no_upgrade_but_a_websocket_is_passed_on(api: ApiAtHand, tmp_path: Path, protocol: str) -> None:
    """The request is answered as if its client had not offered it."""
    async with nginx(tmp_path, api.url) as url:
        plain = await asked(url, ONE, Authorization=f"Bearer {api.token}")
        offered = await asked(
            url, ONE, Authorization=f"Bearer {api.token}", Upgrade=protocol, Connection="Upgrade, HTTP2-Settings"
        )
        assert plain.json() == {"data": {"__typename": "Query"}}
        assert (offered.status_code, offered.json()) == (plain.status_code, plain.json())
