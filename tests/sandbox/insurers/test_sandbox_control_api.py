"""The control API: the sandbox's handle over HTTP."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import httpx
import msgspec
import pytest
from support.applications import an_application
from support.plain_http import plain_http
from support.until import until

from app.server.serve import listen, serve_here
from sandbox.insurers.app import create_app
from sandbox.insurers.model.handle import Sandbox, UnknownInsurer
from sandbox.insurers.script.behaviours import Garbage, Hang
from sandbox.insurers.script.script import BEHAVIOURS_MAX
from workers.adapters.rest_poll import as_wire

TODAY: Final = date(2026, 5, 1)
BODY: Final = msgspec.json.Encoder(decimal_format="string").encode(as_wire(an_application(TODAY)))


@dataclass(slots=True)
class Control:
    """The sandbox as a client meets it, and its handle."""

    http: httpx.AsyncClient
    sandbox: Sandbox

    async def create(self, key: str, insurer: str = "sever") -> httpx.Response:
        return await self.http.post(f"/{insurer}/applications", content=BODY, headers={"Idempotency-Key": key})

    async def poll(self, created: httpx.Response) -> httpx.Response:
        return await self.http.get(f"{created.request.url.path}/{created.json()['applicationId']}")


@pytest.fixture
async def control() -> AsyncGenerator[Control]:
    """Calm insurers, that need no time."""
    app = create_app(time_scale=0, calm=True)
    listening = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    async with serve_here(app, listening), plain_http(base_url=url) as http:
        yield Control(http, app.state.sandbox)


async def test_a_script_is_written_read_and_used_up(control: Control) -> None:
    """The rest of the script is returned, with its defaults."""
    answers = [{"kind": "status", "status": 429, "retryAfter": 2, "times": 2}, {"kind": "offer", "premium": "5432.10"}]
    written = await control.http.put("/control/sever/script", json=answers)
    assert written.status_code == 200
    assert [(each["kind"], each["step"], each["times"]) for each in written.json()] == [
        ("status", "any", 2),
        ("offer", "poll", 1),
    ]
    assert (await control.create("k")).headers["retry-after"] == "2"
    left = (await control.http.get("/control/sever/script")).json()
    assert [(each["kind"], each["times"]) for each in left] == [("status", 1), ("offer", 1)]
    assert (await control.create("k")).status_code == 429
    assert (await control.poll(await control.create("k"))).json()["offer"]["premium"] == "5432.10"
    assert (await control.http.get("/control/sever/script")).json() == []


async def test_a_script_grows_and_is_cleared(control: Control) -> None:
    """POST appends, PUT begins anew, DELETE takes it all away; other insurers have scripts of their own."""
    for kind in ("hang", "garbage"):
        await control.http.post("/control/sever/script", json=[{"kind": kind, "keyPrefix": "r1"}])
    assert control.sandbox.scripted("sever") == [Hang(key_prefix="r1"), Garbage(key_prefix="r1")]
    await control.http.put("/control/sever/script", json=[{"kind": "garbage", "times": "forever"}])
    assert control.sandbox.scripted("sever") == [Garbage(times="forever")]
    assert control.sandbox.scripted("volga") == []
    assert (await control.http.delete("/control/sever/script")).status_code == 204
    assert control.sandbox.scripted("sever") == []


@pytest.mark.parametrize(
    "behaviour",
    [
        {},
        {"kind": "explode"},
        {"kind": "status"},
        {"kind": "status", "status": 200},
        {"kind": "offer", "premium": "1", "step": "create"},
        {"kind": "delay", "seconds": 1e9},
        {"kind": "hang", "forever": True},
        {"kind": "status", "status": 503, "retryAfter": "a\r\nb"},
    ],
)
async def test_a_script_that_makes_no_sense_is_refused(control: Control, behaviour: dict[str, Any]) -> None:
    """The 422 says why, and nothing of the script is stored."""
    response = await control.http.put("/control/sever/script", json=[{"kind": "hang"}, behaviour])
    assert response.status_code == 422
    assert control.sandbox.scripted("sever") == []


async def test_a_script_has_a_limit(control: Control) -> None:
    """A script that is too long is refused."""
    full = [{"kind": "hang"}] * BEHAVIOURS_MAX
    assert (await control.http.put("/control/sever/script", json=full)).status_code == 200
    assert (await control.http.post("/control/sever/script", json=full[:1])).status_code == 409
    assert (await control.http.put("/control/sever/script", json=[*full, *full])).status_code == 422


async def test_a_mode_is_set_read_and_taken_away(control: Control) -> None:
    """It shows in what the insurer answers."""
    assert (await control.http.get("/control/sever/mode")).json() is None
    mode = await control.http.put("/control/sever/mode", json={"kind": "status", "status": 503})
    assert (mode.json()["kind"], mode.json()["times"]) == ("status", "forever")
    assert (await control.http.get("/control/sever/mode")).json() == mode.json()
    assert [(await control.create("k")).status_code for _ in range(3)] == [503] * 3
    assert (await control.create("k", "volga")).status_code == 202
    assert (await control.http.delete("/control/sever/mode")).status_code == 204
    assert (await control.create("k")).status_code == 202


async def test_settings_change_one_by_one(control: Control) -> None:
    """What is not named stays; nonsense is refused."""
    assert (await control.http.get("/control/settings")).json() == {
        "seed": 1,
        "timeScale": 0,
        "calm": True,
        "latencyLeastS": 0.0,
        "latencyMostS": 600.0,
        "tokenTtlS": 300.0,
    }
    changed = await control.http.patch("/control/settings", json={"timeScale": 0.5, "latencyMostS": 50})
    assert [changed.json()[name] for name in ("seed", "timeScale", "latencyMostS")] == [1, 0.5, 50]
    assert (await control.http.patch("/control/settings", json={"calm": False, "seed": 9})).json()["seed"] == 9
    for wrong in ({"timeScale": -1}, {"speed": 1}, {"timeScale": "NaN"}):
        assert (await control.http.patch("/control/settings", json=wrong)).status_code == 422
    assert control.sandbox.settings.time_scale == 0.5


async def test_what_came_under_a_key(control: Control) -> None:
    """Creates, polls, ids, statuses and moments; 404 for a key that never came."""
    await control.http.put("/control/sever/script", json=[{"kind": "status", "status": 503}])
    await control.create("r1:sever")
    created = await control.create("r1:sever")
    await control.poll(created)
    seen = (await control.http.get("/control/seen/r1:sever")).json()
    assert (seen["creates"], seen["polls"], seen["statuses"]) == (2, 1, {"503": 1, "202": 1, "200": 1})
    assert seen["applicationIds"] == {"sever": created.json()["applicationId"]}
    assert seen["firstAt"] < seen["lastAt"]
    assert (await control.http.get("/control/seen/none")).status_code == 404


async def test_keys_with_slashes_can_be_asked_for(control: Control) -> None:
    """A key may be any text."""
    await control.create("a/b c")
    assert (await control.http.get("/control/seen/a/b c")).json()["key"] == "a/b c"


async def test_what_came_for_a_request(control: Control) -> None:
    """All keys that begin with its id."""
    for key in ("r1:sever", "r1:volga", "r2:sever"):
        await control.create(key, key[3:])
    found = (await control.http.get("/control/seen", params={"prefix": "r1:"})).json()
    assert [each["key"] for each in found] == ["r1:sever", "r1:volga"]
    assert len((await control.http.get("/control/seen", params={"most": 2})).json()) == 2


async def test_what_came_to_an_insurer(control: Control) -> None:
    """Counts by status, how many calls at once, how many in each second."""
    await control.http.put("/control/sever/script", json=[{"kind": "hang", "times": 3}])
    hanging = [asyncio.create_task(control.create(f"k{number}")) for number in range(3)]
    await until(lambda: control.sandbox.seen_by("sever").calls_now == 3)
    await control.poll(await control.create("k9"))
    seen = (await control.http.get("/control/sever/seen")).json()
    assert (seen["callsNow"], seen["callsAtOnceMost"]) == (3, 4)
    assert (seen["creates"], seen["polls"], seen["applications"]) == (4, 1, 4)
    assert seen["statuses"] == {"none": 3, "202": 1, "200": 1}
    assert sum(each["creates"] for each in seen["seconds"]) == 4
    for each in hanging:
        each.cancel()
    await asyncio.wait(hanging)
    await until(lambda: control.sandbox.seen_by("sever").calls_now == 0)


async def test_a_reset_forgets_everything(control: Control) -> None:
    """Afterwards the sandbox is as if just started."""
    created = await control.create("k")
    await control.http.put("/control/sever/script", json=[{"kind": "hang"}])
    await control.http.put("/control/sever/mode", json={"kind": "hang"})
    await control.http.patch("/control/settings", json={"seed": 5, "calm": False})
    assert (await control.http.post("/control/reset")).status_code == 204
    assert (await control.http.get("/control/settings")).json() == {
        "seed": 1,
        "timeScale": 0,
        "calm": True,
        "latencyLeastS": 0.0,
        "latencyMostS": 600.0,
        "tokenTtlS": 300.0,
    }
    assert (await control.poll(created)).status_code == 404
    assert (await control.http.get("/control/seen")).json() == []
    assert (await control.http.get("/control/sever/mode")).json() is None
    assert (await control.create("k")).status_code == 202


async def test_an_unknown_insurer_is_404(control: Control) -> None:
    """404 everywhere; in Python an error of its own."""
    for path in ("script", "mode", "seen"):
        assert (await control.http.get(f"/control/unknown/{path}")).status_code == 404, path
    with pytest.raises(UnknownInsurer):
        control.sandbox.script("unknown", Hang())


def operations(openapi: Any) -> Iterator[Any]:
    for methods in openapi["paths"].values():
        yield from methods.values()


async def test_the_page_describes_every_operation(control: Control) -> None:
    """Each operation has a tag that is described, and a sentence; scripts come with examples that hold."""
    openapi = (await control.http.get("/control/openapi.json")).json()
    tags = {tag["name"] for tag in openapi["tags"] if tag["description"]}
    for operation in operations(openapi):
        assert set(operation["tags"]) <= tags
        assert operation["description"]
    examples = openapi["paths"]["/{insurer}/script"]["put"]["requestBody"]["content"]["application/json"]["examples"]
    assert len(examples) >= 5
    for example in examples.values():
        assert (await control.http.put("/control/sever/script", json=example["value"])).status_code == 200, example
    modes = openapi["paths"]["/{insurer}/mode"]["put"]["requestBody"]["content"]["application/json"]["examples"]
    for example in modes.values():
        assert (await control.http.put("/control/sever/mode", json=example["value"])).status_code == 200, example


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1", "http://127.0.0.1.evil.example:{port}"]
)
async def test_a_page_of_another_origin_controls_nothing(control: Control, origin: str) -> None:
    """A form of text/plain needs no preflight; a script in JSON is refused as well."""
    created = await control.create("key")
    foreign = {"Origin": origin.format(port=control.http.base_url.port)}
    plain = await control.http.post("/control/reset", content=b"x", headers={"Content-Type": "text/plain", **foreign})
    script = await control.http.post("/control/sever/script", json=[], headers=foreign)
    assert (plain.status_code, script.status_code) == (403, 403)
    assert (await control.poll(created)).status_code == 200


async def test_the_page_of_the_control_api_controls_it(control: Control) -> None:
    """Its origin is the server's own; programs send none."""
    own = {"Origin": str(control.http.base_url).rstrip("/")}
    assert (await control.http.post("/control/reset", headers=own)).status_code == 204
    assert (await control.http.post("/control/reset")).status_code == 204
