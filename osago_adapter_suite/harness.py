"""An insurer of the sandbox, asked through the adapter that is tried: everything real but the servers around it."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.config.insurers_file import InsurerSettings
from app.domain.application import Application
from app.domain.errors import WrongSetting
from app.domain.ids import uuid7
from app.domain.insurer_call import Call, CallbackRule
from app.domain.quote import Answer
from app.redis.job_streams import Delivery
from app.runtime.clock import Clock
from app.server.serve import listen, serve_here
from osago_adapter_suite.applications import CAR
from sandbox.insurers.app import create_app
from sandbox.insurers.control.views import InsurerSeen, KeySeen
from sandbox.insurers.handle import Sandbox
from sandbox.insurers.script.behaviours import Behaviour, Hang, SlowBody
from sandbox.insurers.wire.dialects import load_dialects
from workers.adapters.adapter import Abilities, InsurerAccess
from workers.adapters.registry import find_adapter, make_adapter
from workers.adapters.transport.insurer_http import InsurerHttp, Reply
from workers.insurer_calls.callback_waiter import CallbackWaiter
from workers.insurer_calls.exchange import InsurerExchange
from workers.job import Holding, Job
from workers.resilience.circuit_breaker import SharedBreaker
from workers.resilience.rate_limit import RateLimits

INSURER: Final = "sever"
REQUEST_TIMEOUT: Final = "20s"
"""On a busy machine an insurer that is quick looks slow: no call is given up that was not meant to be."""
HUNG_TIMEOUT: Final = "1s"
"""Of one that hangs, which costs a test its time."""
HUNG_S_MIN: Final = 1.0
_PATIENCE: Final[Mapping[str, Any]] = {
    "poll_interval": {"first": "5ms", "factor": 1.5, "most": "50ms"},
    "retry": {"attempts": 3, "first": "5ms", "most": "20ms"},
    "breaker": {"min_calls": 1000},
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of an application: the answer (None: the end came first), and what the insurer saw of it."""

    answer: Answer | None
    seen: KeySeen | None
    insurer: InsurerSeen
    paths: tuple[str, ...]
    seconds: float


class Desk:
    """One insurer, and the adapter that asks it."""

    def __init__(self, adapter: str, dialect: str, options: Mapping[str, str]) -> None:
        self._adapter = adapter
        self.abilities: Abilities = find_adapter(adapter).abilities
        spoken = load_dialects().get(dialect)
        if spoken is None:
            raise WrongSetting(f"the sandbox has no dialect {dialect}; --dialect names another")
        self._options = {**spoken.options, **options}
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        app = create_app(time_scale=0, calm=True)
        self.sandbox: Sandbox = app.state.sandbox
        self._mailbox = _Mailbox(self.abilities.callback_rule)
        self._url = self._runner.run(self._serve(app))
        self._own_url = self._runner.run(self._serve(self._mailbox.app()))

    def reset(self) -> None:
        self._runner.run(self._on_loop(self.sandbox.reset))

    def close(self) -> None:
        self._runner.run(self._on_loop(self.sandbox.close))
        self._runner.run(self._stack.aclose())
        self._runner.close()

    def ask(self, *behaviours: Behaviour, application: Application = CAR, within_s: float = 30.0) -> Asked:
        """Asks for a quote, of an insurer that behaves so."""
        return self._runner.run(self._ask(behaviours, application, within_s))

    async def _ask(self, behaviours: tuple[Behaviour, ...], application: Application, within_s: float) -> Asked:
        self.sandbox.script(INSURER, *behaviours)
        settings = InsurerSettings.model_validate(
            {"id": INSURER, "name": "-", "adapter": self._adapter, "base_url": f"{self._url}/{INSURER}"}
            | {"options": self._options, "request_timeout": _timeout(behaviours), **_PATIENCE}
        )
        clock = Clock()
        http = _Watched(settings, clock)
        line = InsurerAccess(http=http, clock=clock, options=settings.options, callback_url=self._callback_url)
        called_back = CallbackWaiter(self._mailbox)
        self._mailbox.ring = called_back.ring
        adapter, circuit, limits = (
            make_adapter(settings, line),
            SharedBreaker(settings, clock),
            RateLimits(settings, clock),
        )
        asking = InsurerExchange(settings, adapter, circuit, limits, clock, called_back, end_margin_s=0.0)
        job = _job(application, clock, within_s)
        began_at = clock.monotonic()
        try:
            answer = await asking.ask(job, _Sole())
        finally:
            await http.close()
        seen = self.sandbox.seen(job.idempotency_key)
        seconds = clock.monotonic() - began_at
        return Asked(answer, seen, self.sandbox.seen_by(INSURER), tuple(http.paths), seconds)

    def _callback_url(self, idempotency_key: str) -> str:
        return f"{self._own_url}/{idempotency_key}"

    async def _serve(self, app: Starlette) -> str:
        listening = listen("127.0.0.1", 0)
        await self._stack.enter_async_context(serve_here(app, listening))
        return f"http://127.0.0.1:{listening.getsockname()[1]}"

    @staticmethod
    async def _on_loop(step: Any) -> None:
        step()


def _timeout(behaviours: Sequence[Behaviour]) -> str:
    hangs = any(isinstance(one, Hang) or (isinstance(one, SlowBody) and one.seconds > HUNG_S_MIN) for one in behaviours)
    return HUNG_TIMEOUT if hangs else REQUEST_TIMEOUT


class _Watched(InsurerHttp):
    """Remembers the addresses that were called."""

    def __init__(self, settings: InsurerSettings, clock: Clock) -> None:
        super().__init__(settings, clock)
        self.paths: list[str] = []

    async def send(self, method: str, path: str, **more: Any) -> Reply:
        self.paths.append(path)
        return await super().send(method, path, **more)


class _Mailbox:
    """Takes the calls of insurers that call back, with the headers that the API keeps; the signature is left to the adapter."""

    def __init__(self, rule: CallbackRule) -> None:
        self._rule = rule
        self._calls: dict[str, dict[str, Call]] = defaultdict(dict)
        self.ring: Any = None

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{key}", self._take, methods=["POST"])])

    async def heard(self, request_id: UUID, insurer_id: str) -> Mapping[str, Call]:
        return dict(self._calls[f"{request_id}:{insurer_id}"])

    async def _take(self, request: Request) -> Response:
        key: str = request.path_params["key"]
        calls = self._calls[key]
        wanted = {name: request.headers[name] for name in self._rule.headers if name in request.headers}
        calls[str(len(calls))] = Call(wanted, await request.body())
        self.ring([UUID(key.partition(":")[0])])
        return Response(status_code=204)


class _Sole:
    """Nobody else has the job, and nobody is there to remember for."""

    async def confirm(self, job: Job) -> None:
        del job

    async def remember(self, job: Job, application_id: str) -> None:
        del job, application_id


def _job(application: Application, clock: Clock, within_s: float) -> Job:
    request_id = uuid7(clock.now())
    return Job(
        insurer_id=INSURER,
        request_id=request_id,
        application=application,
        expires_at=clock.now() + timedelta(seconds=within_s),
        application_id=None,
        holding=Holding(Delivery(0, "", request_id)),
    )
