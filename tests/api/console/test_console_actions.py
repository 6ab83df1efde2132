"""What an operator sees and changes in the console, over real servers."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from support.console import ACT, LOOK, operator
from support.plain_http import plain_http
from support.until import until
from support.world import World

from app.redis.dead_letters import DeadLetter, DeadLetters
from app.runtime.clock import Clock

CHANGES: list[tuple[str, dict[str, Any]]] = [
    *(("controls", {"verb": verb, "subject": "sever", "why": "x"}) for verb in ("pause", "resume", "drain", "cancel")),
    ("dead-letters/drop", {"ids": ["00:1-0"], "why": "x"}),
    ("dead-letters/retry", {"ids": ["00:1-0"], "why": "x"}),
]


async def audit(http: httpx.AsyncClient) -> list[tuple[str, str, str, str]]:
    """The entries, the newest first: action, subject, author, reason."""
    entries = (await http.get("api/controls")).json()["audit"]
    return [(one["action"], one["subject"], one["by"], one["why"]) for one in entries]


async def buried(world: World, request_id: str) -> DeadLetters:
    """One dead letter of `sever` and this request."""
    letters = DeadLetters((await world.resources()).redis, shards=1)
    await letters.bury(DeadLetter("sever", UUID(request_id), 5, "bug", "builtins.KeyError", Clock().now()))
    return letters


@pytest.mark.parametrize(
    ("path", "body"), CHANGES, ids=lambda value: value.get("verb") if isinstance(value, dict) else value
)
async def test_a_session_that_may_only_look_changes_nothing(world: World, path: str, body: dict[str, Any]) -> None:
    """Every path refuses it; every path also refuses the right session from another page."""
    world.write_insurers("sever")
    api = await world.api()
    async with operator(world, api, LOOK) as http:
        assert (await http.post(f"api/{path}", json=body)).status_code == 403
        assert await audit(http) == []
    async with operator(world, api, ACT) as http:
        for foreign in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "same-site"}):
            assert (await http.post(f"api/{path}", json=body, headers=foreign)).status_code == 403
        del http.headers["x-osago-console"]
        assert (await http.post(f"api/{path}", json=body)).status_code == 403


async def test_an_insurer_is_paused_and_resumed_and_the_audit_says_why(world: World) -> None:
    """The snapshot shows it, with its author."""
    world.write_insurers("sever")
    api = await world.api()
    async with operator(world, api, ACT, subject="ivanova") as http:
        order = {"verb": "pause", "subject": "sever", "why": "their maintenance", "lastsS": 600, "holds": True}
        control = (await http.post("api/controls", json=order)).json()["control"]
        assert (control["setting"], control["until"] is not None) == ("hold", True)
        snapshot = (await http.get("api/snapshot")).json()
        pause = snapshot["insurers"][0]["pause"]
        assert (pause["why"], pause["by"], pause["hold"]) == ("their maintenance", "ivanova", True)
        assert ("PAUSED", "NOTICE") in {(one["code"], one.get("urgency")) for one in snapshot["concerns"]}
        assert (await http.post("api/controls", json={**order, "verb": "resume", "why": "over"})).status_code == 200
        assert await audit(http) == [
            ("lifted", "sever", "ivanova", "over"),
            ("set", "sever", "ivanova", "their maintenance"),
        ]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"subject": "unknown"}, 422),
        ({"why": " "}, 422),
        ({"lastsS": 0.1}, 422),
        ({"verb": "resume"}, 422),
        ({"verb": "limit", "setting": "fast"}, 422),
        ({"verb": "cancel", "subject": ""}, 422),
        ({"verb": "reboot"}, 400),
        ({"why": 7}, 400),
    ],
    ids=str,
)
async def test_an_order_that_makes_no_sense_is_refused_in_one_line(
    world: World, change: dict[str, Any], status: int
) -> None:
    """A refused order changes nothing and leaves no entry in the audit."""
    world.write_insurers("sever")
    api = await world.api()
    async with operator(world, api, ACT) as http:
        body = {"verb": "pause", "subject": "sever", "why": "x", **change}
        answer = await http.post("api/controls", json=body)
        assert (answer.status_code, "\n" in answer.json()["message"]) == (status, False)
        assert await audit(http) == []


async def test_a_look_at_a_request_is_audited_and_shows_no_person(world: World) -> None:
    """A request is found by its id, a quote's id, or the caller's reference; a search without a result is no entry."""
    world.write_insurers("sever")
    api = await world.api()
    accepted = await world.accepted(api, clientReference="order-7")
    request_id = accepted["quoteRequest"]["id"]
    async with operator(world, api, subject="ivanova") as http:
        for subject in (request_id, f"{request_id}:sever", "order-7"):
            found = await http.get("api/request", params={"subject": subject})
            assert found.json()["story"]["requestId"] == request_id
        assert "customer-1" not in found.text
        missing = await http.get("api/request", params={"subject": "order-8"})
        assert missing.json() == {"kind": "none", "wasForgotten": False}
        for wrong in ("", "x" * 201):
            assert (await http.get("api/request", params={"subject": wrong})).status_code == 400
        assert await audit(http) == [("looked", request_id, "ivanova", "")] * 3


async def test_dead_letters_are_dropped_with_an_entry_for_each(world: World) -> None:
    """All of them or none: one that is not there stops it."""
    world.write_insurers("sever")
    api = await world.api()
    request_id = (await world.accepted(api))["quoteRequest"]["id"]
    await buried(world, request_id)
    async with operator(world, api, ACT) as http:
        (letter,) = (await http.get("api/dead-letters")).json()["letters"]
        assert (letter["insurer"], letter["request"], letter["reason"]) == ("sever", request_id, "bug")
        drop = {"ids": [letter["id"], "00:1-1"], "why": "seen"}
        assert (await http.post("api/dead-letters/drop", json=drop)).status_code == 422
        assert (await http.post("api/dead-letters/drop", json={**drop, "ids": []})).status_code == 422
        drop["ids"] = [letter["id"]]
        assert (await http.post("api/dead-letters/drop", json=drop)).json() == {"dropped": 1}
        assert (await http.get("api/dead-letters")).json() == {"total": 0, "letters": []}
        assert [(action, subject) for action, subject, *_ in await audit(http)] == [("dropped", letter["id"])]


@pytest.mark.processes
async def test_a_dead_letter_is_retried_by_a_worker_in_a_process_of_its_own(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is settled while the request is open, and shown beside the letter."""
    await world.insurers("sever")
    api = await world.api()
    accepted = await world.accepted(api)
    await buried(world, accepted["quoteRequest"]["id"])
    for name, value in world.environment.items():
        if name.startswith("OSAGO_"):
            monkeypatch.setenv(name, value)
    await world.worker(insurers=("sever",))
    async with operator(world, api, ACT) as http:
        (letter,) = (await http.get("api/dead-letters")).json()["letters"]
        retry = {"ids": [letter["id"]], "why": "the bug is mended"}
        assert (await http.post("api/dead-letters/retry", json=retry)).json() == {"queued": 1}

        async def is_done() -> bool:
            (found,) = (await http.get("api/dead-letters")).json()["letters"]
            return found.get("retry", {}).get("state") == "DONE"

        await until(is_done)
        (found,) = (await http.get("api/dead-letters")).json()["letters"]
        assert found["retry"]["answer"].startswith("OFFERED ")
        assert (await audit(http))[0][:2] == ("retried", letter["id"])


async def test_no_bearer_opens_the_consoles_json(world: World) -> None:
    """A service token has to be exchanged first, also one with the scope."""
    world.write_insurers("sever")
    api = await world.api()
    for token in (world.token("core-app", "quotes:read quotes:write admin"), world.token("x", ACT)):
        async with plain_http() as http:
            for path in ("snapshot", "events", "dead-letters", "controls", "request?subject=x"):
                headers = {"Authorization": f"Bearer {token}"}
                assert (await http.get(f"{api.url}/operator/api/{path}", headers=headers)).status_code == 401
