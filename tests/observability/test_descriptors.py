"""An API without descriptors says so, on the connections that it has, in its log and in its metrics."""

import asyncio
import json
import socket
from contextlib import ExitStack
from pathlib import Path
from resource import RLIMIT_NOFILE, prlimit

import httpx
import pytest
from support.plain_http import plain_http
from support.processes import api_process
from support.until import until
from support.world import World

LIMIT = 128


@pytest.mark.processes
async def test_an_api_without_descriptors_says_so_and_goes_on_by_itself(world: World, tmp_path: Path) -> None:
    """It accepts connections and drops them; a caller that is connected goes on, and reads why."""
    world.write_insurers("sever")
    world.set(log_format="json")
    async with (
        api_process(tmp_path, world.environment) as api,
        plain_http(base_url=api.url) as http,
    ):
        assert (await http.get("/readyz")).json()["status"] == "ready"
        prlimit(api.popen.pid, RLIMIT_NOFILE, (LIMIT, LIMIT))
        with ExitStack() as open_sockets:
            for _ in range(LIMIT):
                open_sockets.enter_context(socket.create_connection(("127.0.0.1", api.port)))
            found = await until(lambda: _short(http))
            assert found["status"] == "degraded"
            assert (await http.get("/healthz")).status_code == 200
            counted = (await http.get("/metrics")).text
            assert "osago_descriptors_short_total" in counted
            (line,) = [json.loads(line) for line in api.text.splitlines() if "descriptors.short" in line]
            assert (line["level"], line["limit"]) == ("warning", LIMIT)
        await until(lambda: _is_ready(api.url))


async def _short(http: httpx.AsyncClient) -> dict[str, str] | None:
    found = (await http.get("/readyz")).json()
    await asyncio.sleep(0)
    return found if "descriptors" in found else None


async def _is_ready(url: str) -> bool:
    try:
        async with plain_http() as http:
            return (await http.get(f"{url}/readyz")).json()["status"] == "ready"
    except httpx.TransportError:
        return False
