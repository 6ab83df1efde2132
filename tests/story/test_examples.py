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
from support.processes import Process, osago, ready
from support.refusals import fully_booked
from support.until import until
from support.world import ApiAtHand, World

from sandbox.demo.environment import hand_over
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


def block(language: str, *, holding: str, text: str = README) -> str:
    """The block of code of a document, the README if no other is given, that holds these characters."""
    (found,) = (code for code in re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL) if holding in code)
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
    """The test runs `uv run python examples/python_client.py`."""
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
    """The test runs `sh examples/curl.sh`."""
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
        await ready(process)
        yield process


@pytest.mark.parametrize("command", [pytest.param(PYTHON, id="python"), IN_JAVASCRIPT])
async def test_a_client_whose_api_is_killed_goes_on_where_it_was(
    world: World, command: Sequence[str], request: pytest.FixtureRequest
) -> None:
    """No event comes twice or is lost, although the next process has never seen the client."""
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


@pytest.mark.parametrize("command", [pytest.param(PYTHON, id="python"), IN_JAVASCRIPT])
async def test_a_client_that_is_refused_comes_back_no_sooner_than_it_is_asked_to(
    world: World, command: Sequence[str], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With too many connects at once the API says when: by status and header, and to a browser by the reason of its close frame."""
    async with (
        fully_booked(world, monkeypatch) as (api, refusals),
        running(command, api.graphql, api.token, home(command, request)),
    ):
        await until(lambda: len(refusals.at_s) == 2)
    assert refusals.gaps_s >= [refusals.asked_s]


@pytest.fixture
def beside_the_demo(api: ApiAtHand, tmp_path: Path) -> Path:
    """A folder as a demo leaves it, with the examples of the checkout."""
    folder = tmp_path / "checkout"
    (folder / ".osago").mkdir(parents=True)
    (folder / "examples").symlink_to(ROOT / "examples")
    hand_over(folder / ".osago", {"OSAGO_TOKEN": api.token}, url=api.graphql)
    return folder


@asynccontextmanager
async def pasted(*lines: str, folder: Path) -> AsyncGenerator[asyncio.subprocess.Process, None]:
    """Lines as they are typed into one shell, which has no variable of OSAGO's yet."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("OSAGO_")}
    process = await asyncio.create_subprocess_exec(
        "sh", "-ec", "\n".join(lines), cwd=folder, env=bare, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def text_of(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(RUN_S_MAX):
        text = (await process.stdout.read()).decode()
        assert await process.wait() == 0, text
    return text


SETTINGS: Final = block("sh", holding=".osago/env")


async def test_the_readmes_python_runs(beside_the_demo: Path) -> None:
    """It is pasted into a file, and runs from the token to the offers."""
    (beside_the_demo / "ask.py").write_text(block("python", holding="async def ask"), encoding="utf-8")
    async with pasted(SETTINGS, f"{sys.executable} ask.py", folder=beside_the_demo) as process:
        *quotes, end = (await text_of(process)).splitlines()
    assert len(quotes) == len(INSURERS)
    assert "ALL_ANSWERED" in end


async def test_the_readmes_python_says_what_is_wrong(beside_the_demo: Path) -> None:
    """A bad token and an application that lacks a field give a message, no KeyError."""
    program = block("python", holding="async def ask")
    cases = (
        (program, "OSAGO_TOKEN=none", "UNAUTHENTICATED"),
        (program.replace('application["startsOn"] = ', 'application["vehicle"]["vin"] = '), "true", "BAD_REQUEST"),
        (program.replace("asyncio.run(", 'application["vehicle"]["vin"] = "short"\nasyncio.run('), "true", "problems"),
    )
    for text, setting, expected in cases:
        (beside_the_demo / "ask.py").write_text(text, encoding="utf-8")
        async with pasted(SETTINGS, setting, f"{sys.executable} ask.py", folder=beside_the_demo) as process:
            assert process.stdout is not None
            output = (await process.stdout.read()).decode()
            assert await process.wait() != 0
        assert expected in output
        assert "Traceback" not in output


@pytest.mark.compat
async def test_the_readmes_javascript_runs(beside_the_demo: Path, node_folder: Path) -> None:
    """It is pasted into a file of `examples`, and runs from the token to the offers."""
    (node_folder / "ask.mjs").write_text(block("js", holding="createClient"), encoding="utf-8")
    async with pasted(SETTINGS, f"cd {node_folder}", "node ask.mjs", folder=beside_the_demo) as process:
        *quotes, end = [json.loads(line) for line in (await text_of(process)).splitlines()]
    assert insurers_of(quotes) == ["Sever", "Volga"]
    assert end["outcome"] == "ALL_ANSWERED"


async def test_the_readmes_curl_runs(beside_the_demo: Path) -> None:
    """The query, in the shell that has the settings."""
    async with pasted(SETTINGS, block("sh", holding="insurers { id name"), folder=beside_the_demo) as process:
        answer = json.loads(await text_of(process))
    assert [insurer["id"] for insurer in answer["data"]["insurers"]] == list(INSURERS)


async def test_the_readmes_rest_runs(beside_the_demo: Path) -> None:
    """POST, then every event to the end; and the lines of docs/integration.md after it."""
    guide = (ROOT / "docs/integration.md").read_text(encoding="utf-8")
    for document in (README, guide):
        lines = block("sh", holding="/osago/quotes", text=document)
        async with pasted(SETTINGS, lines, folder=beside_the_demo) as process:
            text = await text_of(process)
        assert text.count("event: QuoteReceived") == len(INSURERS)
        assert text.count("event: QuotesCompleted") == 1
