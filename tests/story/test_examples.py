"""The examples, and the README's own lines, run as a newcomer runs them."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from support.foreign import with_npm
from support.processes import Process, _is_ready, osago
from support.until import until
from support.world import ApiAtHand, World

from sandbox.demo.servers import free_port
from sandbox.insurers.script.behaviours import Processing

ROOT: Final = Path(__file__).parents[2]
README: Final = (ROOT / "README.md").read_text(encoding="utf-8")
INSURERS: Final = ("sever", "volga")
RUN_S_MAX: Final = 60.0

PYTHON: Final = (sys.executable, str(ROOT / "examples/python_client.py"))
JAVASCRIPT: Final = ("node", "javascript_client.mjs")
IN_JAVASCRIPT: Final = pytest.param(JAVASCRIPT, marks=pytest.mark.compat, id="javascript")
CURL: Final = ("sh", str(ROOT / "examples/curl.sh"))

pytestmark = pytest.mark.processes


def block(language: str, *, holding: str) -> str:
    """A block of code of the README."""
    (found,) = (code for code in re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL) if holding in code)
    return found


@pytest.fixture(scope="module")
def node_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The examples with what they need from npm, away from the checkout."""
    return with_npm(ROOT / "examples", tmp_path_factory.mktemp("node") / "examples")


def home(command: Sequence[str], request: pytest.FixtureRequest) -> Path:
    """Where an example is run; only the one in JavaScript needs Node.js."""
    return request.getfixturevalue("node_folder") if command is JAVASCRIPT else ROOT


@asynccontextmanager
async def running(
    command: Sequence[str], url: str, token: str, folder: Path = ROOT
) -> AsyncGenerator[asyncio.subprocess.Process, None]:
    """An example; it is killed with the block."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={**os.environ, "OSAGO_URL": url, "OSAGO_TOKEN": token},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def lines_of(process: asyncio.subprocess.Process) -> list[dict[str, Any]]:
    """What an example prints until it ends well, a JSON object a line."""
    assert process.stdout is not None
    async with asyncio.timeout(RUN_S_MAX):
        text = (await process.stdout.read()).decode()
        assert await process.wait() == 0, text
    return [json.loads(line) for line in text.splitlines()]


def insurers_of(events: Sequence[dict[str, Any]]) -> list[str]:
    return sorted(event["quote"]["insurer"]["name"] for event in events if "quote" in event)


@pytest.fixture
async def api(world: World) -> ApiAtHand:
    """Two insurers, a worker, an API."""
    await world.insurers(*INSURERS)
    await world.worker()
    return await world.api()


async def test_the_python_client_prints_every_quote_and_the_end(api: ApiAtHand) -> None:
    """`uv run python examples/python_client.py`."""
    async with running(PYTHON, api.graphql, api.token) as process:
        *quotes, end = await lines_of(process)
    assert insurers_of(quotes) == ["Sever", "Volga"]
    assert end["outcome"] == "ALL_ANSWERED"


@pytest.mark.compat
async def test_the_javascript_client_prints_every_quote_and_the_end(api: ApiAtHand, node_folder: Path) -> None:
    """`node javascript_client.mjs`, with the packages of its lock."""
    async with running(JAVASCRIPT, api.graphql, api.token, node_folder) as process:
        *quotes, end = await lines_of(process)
    assert insurers_of(quotes) == ["Sever", "Volga"]
    assert end["outcome"] == "ALL_ANSWERED"


async def test_curl_looks_until_the_end(api: ApiAtHand) -> None:
    """`sh examples/curl.sh`."""
    async with running(CURL, api.graphql, api.token) as process:
        *_, last = await lines_of(process)
    request = last["data"]["quoteRequest"]
    assert (request["status"], request["progress"]) == ("COMPLETED", {"answered": 2, "total": 2})


@pytest.mark.parametrize("command", [pytest.param(PYTHON, id="python"), IN_JAVASCRIPT, pytest.param(CURL, id="curl")])
async def test_a_client_without_a_good_token_says_so_and_fails(
    world: World, command: Sequence[str], request: pytest.FixtureRequest
) -> None:
    """The first thing that a newcomer does wrong."""
    world.write_insurers("sever")
    api = await world.api()
    async with running(command, api.graphql, "none", home(command, request)) as process:
        assert process.stdout is not None
        text = (await process.stdout.read()).decode()
        assert await process.wait() != 0
    assert "UNAUTHENTICATED" in text


@asynccontextmanager
async def api_at(world: World, port: int) -> AsyncGenerator[Process, None]:
    """A ready API in a process of its own, on this port."""
    async with osago(world.folder, world.environment, "api", "--port", str(port), port=port) as process:
        await until(lambda: _is_ready(process))
        yield process


@pytest.mark.parametrize("command", [pytest.param(PYTHON, id="python"), IN_JAVASCRIPT])
async def test_a_client_whose_api_is_killed_goes_on_where_it_was(
    world: World, command: Sequence[str], request: pytest.FixtureRequest
) -> None:
    """Nothing twice, nothing lost, though the next process has never heard of it."""
    await world.insurers(*INSURERS)
    world.sandbox.set_mode("volga", Processing())
    await world.worker()
    port = free_port()
    async with (
        api_at(world, port) as first,
        running(command, f"{first.url}/graphql", world.token(), home(command, request)) as process,
    ):
        assert process.stdout is not None
        quotes = [json.loads(await process.stdout.readline())]
        first.kill()
        async with api_at(world, port):
            world.sandbox.set_mode("volga", None)
            *more, end = await lines_of(process)
    assert insurers_of([*quotes, *more]) == ["Sever", "Volga"]
    assert end["outcome"] == "ALL_ANSWERED"


async def test_the_readmes_python_runs(world: World, api: ApiAtHand, capsys: pytest.CaptureFixture[str]) -> None:
    """As it stands there."""
    names: dict[str, Any] = {}
    exec(block("python", holding="async def ask"), names)  # noqa: S102 - our own lines
    await names["ask"](api.graphql, api.token, world.new_request())
    *quotes, end = capsys.readouterr().out.splitlines()
    assert len(quotes) == len(INSURERS)
    assert "ALL_ANSWERED" in end


@pytest.mark.compat
async def test_the_readmes_javascript_runs(world: World, api: ApiAtHand, node_folder: Path) -> None:
    """In Node.js, given the WebSocket that a browser has."""
    accepted = await world.accepted(api)
    arguments = (api.graphql.replace("http", "ws", 1), accepted["quoteRequest"]["id"], accepted["watchToken"])
    program = node_folder / "readme.mjs"
    program.write_text(
        'import { WebSocket } from "ws";\nglobalThis.WebSocket ??= WebSocket;\n'
        + block("js", holding="createClient")
        + f"watch(...{json.dumps(arguments)}, (event) => console.log(JSON.stringify(event)));\n",
        encoding="utf-8",
    )
    async with running(("node", program.name), api.graphql, api.token, node_folder) as process:
        *quotes, end = await lines_of(process)
    assert insurers_of(quotes) == ["Sever", "Volga"]
    assert end["outcome"] == "ALL_ANSWERED"


async def test_the_readmes_curl_runs(api: ApiAtHand) -> None:
    """Against this API, in place of the demo's."""
    script = block("sh", holding="curl --silent http").replace("http://127.0.0.1:8000/graphql", api.graphql)
    async with running(("sh", "-c", script), api.graphql, api.token) as process:
        (answer,) = await lines_of(process)
    assert [insurer["id"] for insurer in answer["data"]["insurers"]] == list(INSURERS)
