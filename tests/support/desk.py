"""Asking an insurer on the bare wire, with circuit and limits around it and no servers."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

from support.applications import an_application

from app.config.insurers_file import InsurerSettings
from app.domain.ids import uuid7
from app.domain.insurer_call import InsurerCall
from app.domain.quote import Answer
from app.redis.job_streams import Delivery
from app.runtime.clock import Clock
from workers.adapters.adapter import Adapter, InsurerAccess
from workers.adapters.registry import make_adapter
from workers.adapters.transport.insurer_http import InsurerHttp
from workers.insurer_calls.callback_waiter import CallbackWaiter
from workers.insurer_calls.exchange import InsurerExchange
from workers.job import Holding, Job
from workers.resilience.circuit_breaker import SharedBreaker
from workers.resilience.rate_limit import RateLimits

OPTIONS = {
    "rest-oauth2": {"client_id": "osago", "client_secret": "sandbox"},
    "callback": {"callback_secret": "sandbox"},
}


def answer(body: bytes, status: int = 200, *headers: bytes) -> bytes:
    lines = b"".join(header + b"\r\n" for header in headers)
    return b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n%s\r\n%s" % (status, len(body), lines, body)


class Scripted:
    """Answers a request by the first part of its first line that it knows; counts them."""

    def __init__(self, answers: Mapping[str, bytes]) -> None:
        self.answers = answers
        self.lines: list[str] = []

    def calls(self, what: str) -> int:
        return sum(what in line for line in self.lines)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                length = head.partition("content-length: ")[2].partition("\r\n")[0]
                body = await reader.readexactly(int(length or 0))
                line = head.partition("\r\n")[0] + (" " + body.decode("utf-8") if "soap" in head else "")
                self.lines.append(line)
                writer.write(next(answer for part, answer in self.answers.items() if part in line))
        except (OSError, EOFError, asyncio.CancelledError):
            writer.transport.abort()


class Mailbox:
    """Holds what the insurer has called with."""

    def __init__(self, *calls: InsurerCall) -> None:
        self._calls = {str(number): call for number, call in enumerate(calls)}

    async def heard(self, request_id: UUID, insurer_id: str) -> Mapping[str, InsurerCall]:
        del request_id, insurer_id
        return self._calls


class Sole:
    """No other worker has the job."""

    def __init__(self) -> None:
        self.remembered: list[str] = []

    async def confirm(self, job: Job) -> None:
        del job

    async def remember(self, job: Job, application_id: str) -> None:
        del job
        self.remembered.append(application_id)


def settings(adapter: str, url: str) -> InsurerSettings:
    patience = {"poll_interval": "5ms", "retry": {"attempts": 3, "first": "5ms", "most": "20ms"}}
    breaker = {"min_calls": 3, "failure_rate": 0.5}
    wire = {"id": "sever", "name": "Север", "adapter": adapter, "base_url": url, "breaker": breaker, **patience}
    return InsurerSettings.model_validate({**wire, "options": OPTIONS.get(adapter, {})})


class Desk:
    """One insurer and what asks it."""

    def __init__(self, one: InsurerSettings, adapter: type[Adapter] | None = None, *calls: InsurerCall) -> None:
        self.clock = Clock()
        self.http = InsurerHttp(one, self.clock)
        line = InsurerAccess(
            http=self.http, clock=self.clock, options=one.options, callback_url=lambda _: "https://x.example/"
        )
        self.circuit = SharedBreaker(one, self.clock)
        limits, callback_waiter = RateLimits(one, self.clock), CallbackWaiter(Mailbox(*calls))
        made = adapter(line) if adapter else make_adapter(one, line)
        self.ownership = Sole()
        self.asking = InsurerExchange(one, made, self.circuit, limits, self.clock, callback_waiter, end_margin_s=0.0)

    async def ask(self, within_s: float = 10.0) -> Answer | None:
        now = self.clock.now()
        request_id = uuid7(now)
        holding = Holding(Delivery(0, "", request_id))
        job = Job("sever", request_id, an_application(now.date()), now + timedelta(seconds=within_s), None, holding)
        return await self.asking.ask(job, self.ownership)


@asynccontextmanager
async def scripted(answers: Mapping[str, bytes]) -> AsyncGenerator[tuple[str, Scripted], None]:
    """The address of an insurer that answers so, and what it sees."""
    insurer = Scripted(answers)
    server = await asyncio.start_server(insurer.serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", insurer
    finally:
        server.close()


@asynccontextmanager
async def desk(
    adapter: str, answers: Mapping[str, bytes], *calls: InsurerCall
) -> AsyncGenerator[tuple[Desk, Scripted], None]:
    async with scripted(answers) as (url, insurer):
        asked = Desk(settings(adapter, url), None, *calls)
        try:
            yield asked, insurer
        finally:
            await asked.http.close()


async def asked(adapter: str, answers: Mapping[str, bytes]) -> tuple[Answer | None, Scripted]:
    async with desk(adapter, answers) as (asking, insurer):
        return await asking.ask(), insurer
