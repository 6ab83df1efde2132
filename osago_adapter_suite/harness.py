"""An insurer of the sandbox, met through the adapter on trial: everything is real but the servers of production."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from osago_adapter_suite.applications import CAR
from osago_adapters import Abilities, Answer, Application, WrongSetting
from osago_adapters.testing import AdapterTrial, KeptCalls, find_adapter, listen, serve_here
from sandbox.insurers.app import create_app
from sandbox.insurers.model.handle import Sandbox
from sandbox.insurers.model.views import InsurerSeen, KeySeen
from sandbox.insurers.script.behaviours import Behaviour, Hang, Processing, SlowBody
from sandbox.insurers.wire.dialects import load_dialects

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


class Harness:
    """One insurer, and the adapter on trial before it."""

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
        self._calls = KeptCalls(self.abilities.callback_rule)
        self._url = self._runner.run(self._serve(app))
        self._own_url = self._runner.run(
            self._serve(Starlette(routes=[Route("/{key}", self._take_call, methods=["POST"])]))
        )

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
        insurer = {"id": INSURER, "name": "-", "adapter": self._adapter, "base_url": f"{self._url}/{INSURER}"}
        patience = {"request_timeout": self._timeout(behaviours), **_PATIENCE}
        trial = AdapterTrial({**insurer, "options": self._options, **patience}, self._calls, self._callback_url)
        try:
            answer = await trial.quote(application, within_s=within_s)
        finally:
            await trial.close()
        seen = self.sandbox.seen(trial.idempotency_key)
        return Asked(answer, seen, self.sandbox.seen_by(INSURER), trial.paths, trial.seconds)

    def _timeout(self, behaviours: Sequence[Behaviour]) -> str:
        return HUNG_TIMEOUT if any(self._hangs(one) for one in behaviours) else REQUEST_TIMEOUT

    def _hangs(self, behaviour: Behaviour) -> bool:
        """An insurer that is still at it hangs, too, where the call lasts until the answer."""
        match behaviour:
            case Hang():
                return True
            case SlowBody(seconds=seconds):
                return seconds > HUNG_S_MIN
            case _:
                return isinstance(behaviour, Processing) and not (self.abilities.polls or self.abilities.calls_back)

    def _callback_url(self, idempotency_key: str) -> str:
        return f"{self._own_url}/{idempotency_key}"

    async def _take_call(self, request: Request) -> Response:
        self._calls.take(request.path_params["key"], request.headers, await request.body())
        return Response(status_code=204)

    async def _serve(self, app: Starlette) -> str:
        listening = listen("127.0.0.1", 0)
        await self._stack.enter_async_context(serve_here(app, listening))
        return f"http://127.0.0.1:{listening.getsockname()[1]}"

    @staticmethod
    async def _on_loop(step: Any) -> None:
        step()
