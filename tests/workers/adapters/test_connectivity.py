"""`osago insurers check`: what was tried is said, and nothing but an answer of the insurer itself is "ok"."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support.applications import an_application
from support.desk import answer, scripted
from support.packages import install
from support.world import World

from app.config.insurers_file import InsurerSettings
from app.domain.errors import WrongSetting
from app.runtime.clock import Clock
from workers.adapters.connectivity import Finding, check


def settings(base_url: str, **more: Any) -> InsurerSettings:
    wire = {"id": "sever", "name": "Север", "adapter": "rest-poll", "base_url": base_url, "request_timeout": "300ms"}
    return InsurerSettings.model_validate({**wire, **more})


async def found(base_url: str, **more: Any) -> Finding:
    return await check(settings(base_url, **more), Clock())


OAUTH2 = {"adapter": "rest-oauth2", "options": {"client_id": "osago", "client_secret": "sandbox"}}
REFUSED_CLIENT = b'{"error": "invalid_client"}'
PAGE = b"<html><body>It works!</body></html>"


@pytest.mark.parametrize(
    ("replies", "key", "text", "more"),
    [
        ({"token": answer(b"", 404)}, "options.token_url", "token: status 404", OAUTH2),
        ({"token": answer(b"", 401)}, "options.client_secret_env", "token: status 401", OAUTH2),
        ({"token": answer(REFUSED_CLIENT, 400)}, "options.client_secret_env", "invalid_client (status 400)", OAUTH2),
        ({"token": answer(PAGE)}, "base_url", "does not speak rest-oauth2", OAUTH2),
        ({"get": answer(PAGE, 404, b"content-type: text/html")}, "base_url", "a web page is there", {}),
        ({"get": answer(b"", 401)}, "token_env", "a token is needed", {"adapter": "rest-sync"}),
        ({"get": answer(PAGE, 200, b"Content-Type: Text/HTML")}, "base_url", "web page", {"adapter": "rest-sync"}),
        (
            {"get": answer(b"", 500)},
            "",
            "out of order (status 500): answered GET applications/osago-check with 500",
            {},
        ),
        ({"get": answer(b'{"status": "offered"}')}, "base_url", "does not speak rest-poll", {}),
    ],
)
async def test_what_is_no_answer_of_the_insurer_is_not_well(
    replies: dict[str, bytes], key: str, text: str, more: dict[str, Any]
) -> None:
    """A 4xx is one only where the application was asked for: not at the token's address, nor at a web server."""
    async with scripted(replies) as (url, _):
        finding = await found(url, **more)
    assert (finding.is_well, finding.key, text in finding.summary) == (False, key, True), finding


async def test_an_application_is_handed_in_where_that_is_asked_for() -> None:
    """What customers' applications meet is known then; without it nothing is claimed about creates."""
    application = an_application(datetime.now(UTC).date())
    known = {"get": answer(b"", 404)}
    cases = [
        (answer(b'{"applicationId": "7"}', 202), True, "answered POST applications with 202"),
        (answer(b"", 401), False, "a token is needed"),
        (answer(b"", 500), False, "out of order (status 500)"),
        (answer(b"", 400), False, "the application is rejected (status 400)"),
        (answer(b"nonsense", 202), False, "does not speak rest-poll"),
        (answer(b"", 429), False, "has taken no application"),
    ]
    for created, is_well, text in cases:
        async with scripted({**known, "post": created}) as (url, insurer):
            finding = await check(settings(url), Clock(), application)
            assert (finding.is_well, text in finding.summary) == (is_well, True), finding
            assert "an application sent" in finding.summary
            assert (await found(url)).summary.endswith("no application sent")
            assert insurer.calls("post") == 1


BROKEN = """
import asyncio
from workers.adapters.rest_poll import RestPoll

class Raises(RestPoll):
    async def poll(self, application_id):
        raise KeyError("secret")

class Unmade(RestPoll):
    def __init__(self, line):
        raise ZeroDivisionError("secret")

class Sleeps(RestPoll):
    async def poll(self, application_id):
        await asyncio.sleep(1000)
"""


async def test_an_adapter_that_breaks_does_not_end_the_check_of_others(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is a finding of its own insurer, without a value."""
    adapters = {name: f"osago_broken:{name.title()}" for name in ("raises", "unmade", "sleeps")}
    monkeypatch.syspath_prepend(install(tmp_path, "osago_broken", BROKEN, adapters))
    await world.insurers("sever")
    for name, words in (
        ("raises", "the adapter fails (KeyError)"),
        ("unmade", "cannot be made (ZeroDivisionError)"),
        ("sleeps", "does not come back"),
    ):
        try:
            finding = await found(f"{world.sandbox_url}/sever", adapter=name, connect_timeout="100ms")
        except WrongSetting as error:
            finding = Finding(is_well=False, summary=str(error))
        assert (finding.is_well, words in finding.summary, "secret" in finding.summary) == (False, True, False), finding
