"""Calls back: an insurer sends the answer to the caller that handed the application in, as its script has it."""

import asyncio
import contextlib
from typing import Final

import httpx

from sandbox.insurers.model.application_store import TakenIn, offer_number
from sandbox.insurers.model.handle import Desk, Sandbox
from sandbox.insurers.model.replies import encode, offered_by_script, refused
from sandbox.insurers.script.behaviours import CallBack, Decline, Offer
from sandbox.insurers.wire.dialects.callback import signature
from sandbox.insurers.wire.dialects.dialect import Dialect

TRIES: Final = 3
_AGAIN_S: Final = 0.5
_CALL_S_MAX: Final = 5.0
_HEADER: Final = "X-Signature"


async def call_back(sandbox: Sandbox, desk: Desk, dialect: Dialect, application: TakenIn, url: str | None) -> None:
    """Sees to it that the calls are made; waits only for those that are to come before the create is answered."""
    if url is None:
        return
    scripted = desk.script.next("callback", application.key)
    plan = scripted if isinstance(scripted, CallBack) else CallBack()
    calling = _Calling(sandbox, desk, dialect, application, url, plan)
    if plan.early:
        await calling.run()
    elif plan.calls:
        task = asyncio.create_task(calling.run_when_ready())
        sandbox.calling_back.add(task)
        task.add_done_callback(sandbox.calling_back.discard)


class _Calling:
    """The calls about one application."""

    def __init__(
        self, sandbox: Sandbox, desk: Desk, dialect: Dialect, application: TakenIn, url: str, plan: CallBack
    ) -> None:
        self._sandbox = sandbox
        self._desk = desk
        self._dialect = dialect
        self._application = application
        self._url = url
        self._plan = plan

    async def run_when_ready(self) -> None:
        await asyncio.sleep(max(0.0, self._application.ready_at - self._sandbox.clock.monotonic()))
        await self.run()

    async def run(self) -> None:
        body = self._body()
        headers = {"Content-Type": "application/json"}
        if self._plan.signature != "none":
            headers[_HEADER] = signature(body if self._plan.signature == "good" else body + b" ")
        async with httpx.AsyncClient(verify=False, timeout=_CALL_S_MAX) as http:  # noqa: S501 - the caller gave the address
            for _ in range(self._plan.calls):
                await self._deliver(http, body, headers)

    def _body(self) -> bytes:
        if self._plan.body is not None:
            return encode(self._plan.body)
        application = self._application
        match self._desk.script.next_answer(application.key):
            case Offer() as offer:
                number = offer_number(application.insurer_id, application.id)
                application.settle(offered_by_script(offer, insurer_id=application.insurer_id, number=number))
            case Decline() as decline:
                application.settle(refused(decline))
            case None:
                pass
        return self._dialect.callback(application.key, application.id, application.answer)

    async def _deliver(self, http: httpx.AsyncClient, body: bytes, headers: dict[str, str]) -> None:
        for _ in range(TRIES):
            with contextlib.suppress(httpx.HTTPError):
                response = await http.post(self._url, content=body, headers=headers)
                if response.is_success:
                    self._sandbox.keys.touch(self._application.key, self._sandbox.clock.now()).callbacks += 1
                    return
            await asyncio.sleep(_AGAIN_S)
