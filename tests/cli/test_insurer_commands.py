"""`osago insurers` lists the insurers and whether they are available; `check` names what is wrong, and where."""

import re
import socket
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from support.certificates import Authority
from support.packages import install
from support.processes import osago, worker_process
from support.wire import Insurer, listening
from support.world import ApiAtHand, World

from app.config.insurers_file import InsurerSettings
from app.runtime.clock import Clock
from sandbox.insurers.script.behaviours import Hang, Processing, Status
from workers.adapters.connectivity import Finding, check


def settings(base_url: str, **more: Any) -> InsurerSettings:
    wire = {"id": "sever", "name": "Север", "adapter": "rest-poll", "base_url": base_url, "request_timeout": "300ms"}
    return InsurerSettings.model_validate({**wire, **more})


async def found(base_url: str, **more: Any) -> Finding:
    return await check(settings(base_url, **more), Clock())


async def test_each_way_to_be_wrong_has_its_key_and_its_words(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A finding names the setting and the file: it is read without knowing either."""
    monkeypatch.setenv("SEVER_TOKEN", "a token")
    await world.insurers("sever")
    sever = f"{world.sandbox_url}/sever"
    with socket.create_server(("127.0.0.1", 0)) as closed:
        unreachable = f"http://127.0.0.1:{closed.getsockname()[1]}"
    well = await found(sever)
    assert (well.is_well, well.key) == (True, "")
    assert re.fullmatch(r"answered GET applications/osago-check with 404 in \d+ ms, no application sent", well.summary)
    cases: list[tuple[Any, str, str, dict[str, Any]]] = [
        (None, "base_url", "the host cannot be reached", {"base_url": unreachable}),
        (None, "base_url", "its name cannot be looked up", {"base_url": "http://insurer.invalid"}),
        (None, "proxy", "the proxy cannot be reached", {"base_url": sever, "proxy": unreachable}),
        (None, "base_url", "does not speak rest-poll", {"base_url": f"{world.sandbox_url}/docs?"}),
        (Hang(), "request_timeout", "no answer within 0.3 s", {"base_url": sever}),
        (Status(status=503), "", "out of order (status 503)", {"base_url": sever}),
        (Status(status=401), "token_env", "a token is needed", {"base_url": sever}),
        (Status(status=403), "token_env", "a token is not accepted", {"base_url": sever, "token_env": "SEVER_TOKEN"}),
    ]
    for mood, key, words, wrong in cases:
        polled = Insurer(answer(mood)) if isinstance(mood, Status) else Insurer(5.0) if mood else None
        async with AsyncExitStack() as stack:
            if polled:
                await stack.enter_async_context(listening(polled))
                wrong["base_url"] = f"http://127.0.0.1:{polled.port}"
            finding = await found(**wrong)
        assert (finding.is_well, finding.key, words in finding.summary) == (False, key, True), finding


def answer(mood: Status) -> bytes:
    return b"HTTP/1.1 %d Scripted\r\ncontent-length: 0\r\n\r\n" % mood.status


async def test_certificates_are_explained_too(tmp_path: Path) -> None:
    """Certificates of the insurer that are not trusted, and a client certificate that expires."""
    authority = Authority(tmp_path)
    refusing = Insurer(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
    async with listening(refusing, authority.server_context("localhost")) as insurer:
        url = f"https://localhost:{insurer.port}"
        untrusted = await found(url)
        assert (untrusted.key, "its certificate is not accepted" in untrusted.summary) == ("tls.ca_file", True)
        for days, words, is_well in (
            (400, "answered GET", True),
            (7, "expires in 6 days", True),
            (-1, "has expired", False),
        ):
            cert, key = authority.sign("aggregator", days=days)
            tls = {"ca_file": str(authority.file), "cert_file": str(cert), "key_file": str(key)}
            finding = await found(url, tls=tls)
            assert (finding.is_well, words in finding.summary) == (is_well, True), finding


@pytest.mark.processes
async def test_the_commands_show_and_check_every_insurer(world: World) -> None:
    """A finding has the line of the file; one insurer's error does not keep the others from being checked."""
    await world.insurers("sever", "volga", "ural", more={"rate_limit": "50/s"})
    text = world.insurers_file.read_text()
    text = text.replace(f'base_url = "{world.sandbox_url}/volga"', 'base_url = "http://127.0.0.1:1/volga"')
    world.insurers_file.write_text(text.replace('id = "ural"', 'id = "ural"\ntoken_env = "NOT_SET"'))
    await world.redis.client.set("{osago-00}:circuit:volga", f"{2**52} 0", px=60_000)
    shown, _ = await run(world, "insurers")
    rows = {line.split()[0]: line for line in shown.splitlines()}
    assert "UNAVAILABLE" in rows["volga"]
    assert all(part in rows["sever"] for part in ("AVAILABLE", "rest-poll", "50/s", f"{world.sandbox_url}/sever"))
    words, code = await run(world, "insurers", "check")
    lines = {line.split()[0]: line for line in words.splitlines()}
    assert code == 1
    assert "ok" in lines["sever"]
    assert f"insurers.toml, line {line_with(world, 'NOT_SET')}, token_env" in lines["ural"]
    assert f"insurers.toml, line {line_with(world, 'http://127.0.0.1:1/')}, base_url" in lines["volga"]
    assert (await run(world, "insurers", "check", "sever"))[1] == 0


LEAKY = """
from workers.adapters.rest_poll import RestPoll

SAID = "4510 " + "VONAVI"[::-1]

class Leaky(RestPoll):
    async def poll(self, application_id):
        return int(SAID)
"""


async def test_a_check_shows_no_text_of_an_adapters_error(world: World, tmp_path: Path) -> None:
    """It may hold an application: the error's kind and its place in the code are shown."""
    path = install(tmp_path, "osago_leaky", LEAKY, {"leaky": "osago_leaky:Leaky"})
    await world.insurers("sever")
    world.insurers_file.write_text(world.insurers_file.read_text().replace('"rest-poll"', '"leaky"'))
    async with osago(world.folder, {**world.environment, "PYTHONPATH": path}, "insurers", "check") as process:
        assert await process.ended() == 1
        assert "ValueError" in process.text
        assert "osago_leaky" in process.text
        assert "IVANOV" not in process.text


def line_with(world: World, text: str) -> int:
    lines = world.insurers_file.read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


async def run(world: World, *arguments: str) -> tuple[str, int]:
    async with osago(world.folder, world.environment, *arguments) as process:
        code = await process.ended()
        return process.text, code


@pytest.mark.processes
@pytest.mark.timeout(240)  # six workers start one after the other
async def test_insurers_are_added_and_removed_by_restarting_workers_one_after_another(world: World) -> None:
    """A request keeps the insurers that it was accepted with: each gets a quote of each, by any worker."""
    world.set(quote_deadline="100s")
    await world.insurers("sever", "volga")
    async with AsyncExitStack() as stack:
        workers = AsyncExitStack(), AsyncExitStack()
        for one in workers:
            await stack.enter_async_context(one)
            await one.enter_async_context(worker_process(world.folder, world.environment))
        api = await world.api()
        world.sandbox.set_mode("volga", Processing())
        before = await world.accepted(api)

        async def restart_workers() -> None:
            for one in workers:
                await one.aclose()
                await one.enter_async_context(worker_process(world.folder, world.environment))

        world.write_insurers("sever", "volga", "ural")
        await restart_workers()
        between = await world.accepted(api)
        api = await world.api()
        after = await world.accepted(api)
        world.write_insurers("sever", "ural")
        api = await world.api()
        last = await world.accepted(api)
        world.sandbox.set_mode("volga", None)
        await quoted(world, api, before, "sever", "volga")
        await quoted(world, api, between, "sever", "volga")
        await quoted(world, api, after, "sever", "volga", "ural")
        await restart_workers()
        await quoted(world, api, last, "sever", "ural")
        for insurer, applications in (("sever", 4), ("volga", 3), ("ural", 2)):
            assert world.sandbox.seen_by(insurer).applications == applications


async def quoted(world: World, api: ApiAtHand, accepted: dict[str, Any], *insurers: str) -> None:
    *quotes, end = await world.watched(api, accepted)
    assert sorted(quote["quote"]["insurer"]["id"] for quote in quotes) == sorted(insurers)
    assert {quote["quote"]["status"] for quote in quotes} == {"OFFERED"}
    assert end["outcome"] == "ALL_ANSWERED"
