"""Every scripted behaviour, as a real client meets it."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import httpx
import msgspec
import pytest
from msgspec.structs import replace
from support.applications import an_application
from support.plain_http import plain_http
from support.stalls import within
from support.until import until

from app.server.serve import listen, serve_here
from sandbox.insurers.app import create_app
from sandbox.insurers.model.catalogue import INSURERS
from sandbox.insurers.model.handle import Sandbox
from sandbox.insurers.model.outcome import fate_of
from sandbox.insurers.model.priced_application import read_application
from sandbox.insurers.model.views import SettingsChange
from sandbox.insurers.script.behaviours import (
    Behaviour,
    BrokenConnection,
    Decline,
    Delay,
    Garbage,
    Hang,
    HugeBody,
    Offer,
    Processing,
    SlowBody,
    Status,
    Step,
    WrongShape,
)
from workers.adapters.rest_poll import as_wire

TODAY: Final = date(2026, 5, 1)
KEY: Final = "r1:sever"
STEPS: Final[tuple[Step, ...]] = ("create", "poll")


@dataclass(slots=True)
class Sever:
    """The insurer that all tests here are about: its address, and the sandbox's handle."""

    http: httpx.AsyncClient
    sandbox: Sandbox
    content: bytes

    def script(self, *behaviours: Behaviour) -> None:
        self.sandbox.script("sever", *behaviours)

    async def create(self, key: str = KEY, **options: Any) -> httpx.Response:
        headers = {"Idempotency-Key": key}
        return await self.http.post("/sever/applications", content=self.content, headers=headers, **options)

    async def poll(self, key: str = KEY, **options: Any) -> httpx.Response:
        return await self.http.get(await self.path(key), **options)

    async def path(self, key: str = KEY) -> str:
        """Of the application under this key, which is created by the way if nothing is scripted for that."""
        seen = self.sandbox.seen(key)
        if seen is None or not seen.application_ids:
            await self.create(key)
        seen = self.sandbox.seen(key)
        assert seen is not None
        return f"/sever/applications/{seen.application_ids['sever']}"

    async def call(self, step: Step, **options: Any) -> httpx.Response:
        return await (self.create(**options) if step == "create" else self.poll(**options))


@pytest.fixture
async def sever() -> AsyncGenerator[Sever]:
    """A calm one, that needs no time."""
    app = create_app(time_scale=0, calm=True)
    listening = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    async with serve_here(app, listening), plain_http(base_url=url) as http:
        yield Sever(http, app.state.sandbox, wire())


def wire(**changes: Any) -> bytes:
    return msgspec.json.Encoder(decimal_format="string").encode(as_wire(replace(an_application(TODAY), **changes)))


def usual(step: Step, answer: Any) -> bool:
    return "applicationId" in answer if step == "create" else answer["status"] == "offered"


@pytest.mark.parametrize("step", STEPS)
async def test_delay(sever: Sever, step: Step) -> None:
    """The usual answer, not before its time; the next call is quick again."""
    sever.script(Delay(seconds=0.3, step=step))
    await sever.path() if step == "poll" else None
    begin = time.monotonic()
    response = await sever.call(step)
    assert time.monotonic() - begin >= 0.3
    assert usual(step, response.json())
    assert sever.sandbox.scripted("sever") == []


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    ("status", "retry_after"), [(503, 7), (429, "Wed, 21 Oct 2026 07:28:00 GMT"), (401, None), (599, "soon")]
)
async def test_status(sever: Sever, step: Step, status: int, retry_after: int | str | None) -> None:
    """Any error, with the Retry-After of the behaviour."""
    await sever.path()
    sever.script(Status(status=status, retry_after=retry_after, step=step))
    response = await sever.call(step)
    assert response.status_code == status
    assert response.headers.get("retry-after") == (None if retry_after is None else str(retry_after))
    assert (await sever.call(step)).is_success


@pytest.mark.parametrize(("status", "taken_in"), [(500, 1), (504, 1), (429, 0), (400, 0), (422, 0)])
async def test_an_error_on_create_is_ambiguous_only_if_it_is_a_5xx(sever: Sever, status: int, taken_in: int) -> None:
    """A 4xx has not created the application; a 5xx leaves that open. In the end there is one application."""
    sever.script(Status(status=status))
    assert (await sever.create()).status_code == status
    assert sever.sandbox.seen_by("sever").applications == taken_in
    assert (await sever.create()).status_code == 202
    assert sever.sandbox.seen_by("sever").applications == 1


@pytest.mark.parametrize("step", STEPS)
async def test_hang(sever: Sever, step: Step) -> None:
    """No byte comes until the client disconnects; then the call is over for the insurer as well."""
    await sever.path()
    sever.script(Hang(step=step))
    with pytest.raises(httpx.ReadTimeout):
        await sever.call(step, timeout=0.2)
    await until(lambda: sever.sandbox.seen_by("sever").calls_now == 0)
    assert sever.sandbox.seen_by("sever").statuses["none"] == 1
    assert usual(step, (await sever.call(step)).json())


@pytest.mark.parametrize(("step", "status"), [("create", 202), ("poll", 200)])
@pytest.mark.parametrize("text", [None, "", "[" * 100_000])
async def test_garbage(sever: Sever, step: Step, status: int, text: str | None) -> None:
    """The right status, a body that is no JSON: one's own, or the sandbox's."""
    await sever.path()
    sever.script(Garbage(step=step, text=text))
    response = await sever.call(step)
    assert response.status_code == status
    assert response.text == text if text is not None else response.text.startswith("<html>")


@pytest.mark.parametrize(("step", "status"), [("create", 202), ("poll", 200)])
@pytest.mark.parametrize("body", [None, {"status": "ok"}, ["offered"], "offered"])
async def test_wrong_shape(sever: Sever, step: Step, status: int, body: Any) -> None:
    """The right status with JSON of another shape: the behaviour's own, or the sandbox's."""
    await sever.path()
    sever.script(WrongShape(step=step, body=body))
    response = await sever.call(step)
    assert response.status_code == status
    if body is None:
        assert "applicationId" not in response.json()
        assert response.json().get("status") not in {"processing", "offered", "declined"}
    else:
        assert response.json() == body


@pytest.mark.parametrize("step", STEPS)
async def test_huge_body(sever: Sever, step: Step) -> None:
    """As many bytes as the behaviour says, in chunks, without Content-Length; then the usual answer."""
    await sever.path()
    sever.script(HugeBody(size_bytes=3_000_000, step=step))
    response = await sever.call(step)
    assert "content-length" not in response.headers
    assert 3_000_000 < len(response.content) < 3_001_000
    assert usual(step, response.json())


async def test_a_huge_body_that_is_not_read_ends_with_the_client(sever: Sever) -> None:
    """The server buffers a bounded part of it, and the call is over when the client disconnects."""
    sever.script(HugeBody(size_bytes=1024**3))
    async with sever.http.stream("POST", "/sever/applications", content=wire(), headers={"Idempotency-Key": KEY}):
        assert sever.sandbox.seen_by("sever").calls_now == 1
    await until(lambda: sever.sandbox.seen_by("sever").calls_now == 0)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("when", ["before", "middle"])
async def test_broken_connection(sever: Sever, step: Step, when: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Closed without a byte, or in the middle of the body; and that is no error of the server's own."""
    await sever.path()
    sever.script(BrokenConnection(when=when, step=step))
    expected = {"before": "disconnected without sending a response", "middle": "without sending complete message body"}
    with pytest.raises(httpx.RemoteProtocolError, match=expected[when]):
        await sever.call(step)
    assert usual(step, (await sever.call(step)).json())
    assert caplog.records == []


async def test_a_broken_create_has_taken_the_application_in(sever: Sever) -> None:
    """The same key leads to it afterwards: that is what the key is for."""
    sever.script(BrokenConnection(), BrokenConnection(when="middle"), Garbage(), WrongShape())
    for _ in range(2):
        with pytest.raises(httpx.RemoteProtocolError):
            await sever.create()
    assert [(await sever.create()).status_code for _ in range(3)] == [202] * 3
    seen = sever.sandbox.seen(KEY)
    assert seen is not None
    assert (seen.creates, list(seen.application_ids)) == (5, ["sever"])
    assert sever.sandbox.seen_by("sever").applications == 1


@pytest.mark.parametrize("when", ["before", "middle"])
async def test_a_connection_is_broken_even_where_its_transport_is_out_of_reach(when: Any) -> None:
    """Behind middleware that wraps `receive` it breaks in the middle of an answer, as every ASGI server does it."""
    app = create_app(time_scale=0, calm=True)

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        async def received() -> Any:
            return await receive()

        await app(scope, received, send)

    listening = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    app.state.sandbox.script("sever", BrokenConnection(when=when))
    async with serve_here(wrapped, listening), plain_http(base_url=url) as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await http.post("/sever/applications", content=wire(), headers={"Idempotency-Key": KEY})


@pytest.mark.parametrize("step", STEPS)
async def test_slow_body(sever: Sever, step: Step) -> None:
    """Status and headers at once, the usual body in drips: no single wait is long, the whole is."""
    await sever.path()
    path = await sever.path()
    sever.script(SlowBody(seconds=0.8, drips=8, step=step))
    request: dict[str, Any] = (
        {"method": "POST", "url": "/sever/applications", "content": wire(), "headers": {"Idempotency-Key": KEY}}
        if step == "create"
        else {"method": "GET", "url": path}
    )
    begin = time.monotonic()
    async with AsyncExitStack() as stack:
        with within(0.5):
            response = await stack.enter_async_context(sever.http.stream(**request))
        parts = [part async for part in response.aiter_raw()]
    assert time.monotonic() - begin >= 0.8
    assert len(parts) > 3
    assert usual(step, msgspec.json.decode(b"".join(parts)))


async def test_offer(sever: Sever) -> None:
    """The premium of the behaviour, sense or nonsense; the application has this answer from then on."""
    sever.sandbox.change(SettingsChange(time_scale=1000))
    assert (await sever.poll()).json() == {"status": "processing"}
    sever.script(
        Offer(premium="5432.10", valid_until="yesterday", purchase_url="ftp://x"), Offer(premium="free", number="")
    )
    for premium, number in (("5432.10", None), ("free", "")):
        offer = (await sever.poll()).json()["offer"]
        assert offer["premium"] == premium
        assert (offer["number"] == "") == (number == "")
    assert (await sever.poll()).json()["offer"] == offer
    assert (offer["currency"], offer["coefficients"], offer["validUntil"]) == ("RUB", None, None)


async def test_decline(sever: Sever) -> None:
    """The refusal has the behaviour's code, and is final; another application is offered something as usual."""
    await sever.path()
    sever.script(Decline(code="VEHICLE_TOO_OLD", message="Старый."))
    expected = {"status": "declined", "reason": {"code": "VEHICLE_TOO_OLD", "message": "Старый."}}
    assert [(await sever.poll()).json() for _ in range(2)] == [expected] * 2
    assert (await sever.poll("r2:sever")).json()["status"] == "offered"


async def test_decline_on_create(sever: Sever) -> None:
    """A 422, and nothing is taken in."""
    sever.script(Decline(code="KBM_TOO_HIGH", step="create"))
    response = await sever.create()
    assert (response.status_code, response.json()["reason"]["code"]) == (422, "KBM_TOO_HIGH")
    assert sever.sandbox.seen_by("sever").applications == 0


async def test_processing(sever: Sever) -> None:
    """The given number of polls says so, although the answer is there."""
    sever.script(Processing(times=3))
    statuses = [(await sever.poll()).json()["status"] for _ in range(4)]
    assert statuses == ["processing"] * 3 + ["offered"]


async def test_for_one_request_only(sever: Sever) -> None:
    """A behaviour applies to idempotency keys with its prefix, on create and on polls."""
    sever.script(Status(status=503, times="forever", key_prefix="r1:"))
    assert (await sever.create("r2:sever")).status_code == 202
    assert (await sever.create("r1:sever")).status_code == 503
    assert [(await sever.poll(key)).status_code for key in ("r1:sever", "r2:sever")] == [503, 200]


async def test_a_mode_holds_until_it_is_taken_away(sever: Sever) -> None:
    """Behind the script, which goes first; `times` means nothing in it."""
    await sever.path()
    sever.sandbox.set_mode("sever", Status(status=500, times=1))
    sever.script(Status(status=418))
    assert [(await sever.poll()).status_code for _ in range(4)] == [418, 500, 500, 500]
    sever.sandbox.set_mode("sever", None)
    assert (await sever.poll()).status_code == 200


async def test_a_script_goes_before_chance(sever: Sever) -> None:
    """A fault that fate has for the first create is passed over, not added: the application is taken in and answered."""
    sever.sandbox.change(SettingsChange(calm=False))
    profile, fault = INSURERS["sever"], None
    for number in range(10_000):
        fault = fate_of(
            *read_application(wire(usage_months=3 + number % 10)), profile, None, seed=number, calm=False
        ).fault
        if isinstance(fault, Status) and (fault.status, fault.step) == (429, "create"):
            sever.sandbox.change(SettingsChange(seed=number))
            sever.content = wire(usage_months=3 + number % 10)
            break
    sever.script(Delay(seconds=0.01))
    assert (await sever.create("r1:sever")).status_code == 202
    assert (await sever.poll("r1:sever")).status_code == 200
    assert (await sever.create("r2:sever")).status_code == 429
    assert sever.sandbox.seen_by("sever").applications == 1
    assert (await sever.create("r2:sever")).status_code == 202


@pytest.mark.parametrize("behaviour", [Hang(), Delay(seconds=60), SlowBody(seconds=60), HugeBody(size_bytes=1024**3)])
@pytest.mark.parametrize("way", ["close", "reset"])
async def test_what_would_last_is_broken_off(sever: Sever, behaviour: Behaviour, way: str) -> None:
    """A server that stops, and a test that is over, need not wait for it."""
    sever.script(behaviour)
    lasting = asyncio.create_task(sever.create())
    await until(lambda: sever.sandbox.lingering)
    getattr(sever.sandbox, way)()
    with pytest.raises(httpx.TransportError):
        await lasting
    await until(lambda: not sever.sandbox.lingering)
