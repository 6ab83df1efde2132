"""For suites of adapters: an adapter with its surroundings of production (circuit, retries, limits), without servers."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.config.insurers_file import InsurerSettings
from app.domain.application import Application
from app.domain.ids import uuid7
from app.domain.insurer_call import CallbackRule, InsurerCall
from app.domain.quote import NOT_SUITED, Answer, declined, failed
from app.redis.job_streams import Delivery
from app.runtime.clock import Clock
from app.server.serve import listen, serve_here
from workers.adapters.adapter import InsurerAccess
from workers.adapters.registry import find_adapter, make_adapter
from workers.adapters.transport.insurer_http import InsurerHttp, Reply
from workers.insurer_calls.callback_waiter import CallbackWaiter
from workers.insurer_calls.exchange import InsurerExchange
from workers.job import Holding, Job
from workers.resilience.circuit_breaker import SharedBreaker
from workers.resilience.rate_limit import RateLimits

__all__ = ["NOT_SUITED", "AdapterTrial", "KeptCalls", "declined", "failed", "find_adapter", "listen", "serve_here"]


class KeptCalls:
    """Calls of an insurer with the headers that the API keeps; their signature is left to the adapter."""

    def __init__(self, rule: CallbackRule) -> None:
        self._rule = rule
        self._calls: dict[str, dict[str, InsurerCall]] = defaultdict(dict)
        self.on_call: Callable[[list[UUID]], None] | None = None

    def take(self, idempotency_key: str, headers: Mapping[str, str], body: bytes) -> None:
        """Keeps a call that came to the address with this key, and wakes the trial that waits for it."""
        calls = self._calls[idempotency_key]
        calls[str(len(calls))] = InsurerCall(
            {name: headers[name] for name in self._rule.headers if name in headers}, body
        )
        if self.on_call:
            self.on_call([UUID(idempotency_key.partition(":")[0])])

    async def heard(self, request_id: UUID, insurer_id: str) -> Mapping[str, InsurerCall]:
        """The calls about one job."""
        return dict(self._calls[f"{request_id}:{insurer_id}"])


class AdapterTrial:
    """One adapter at one insurer, as `insurers.toml` has it; `quote` asks through it as a worker does.

    Raises:
        WrongSetting: there is no such adapter, or it lacks an option.
    """

    def __init__(self, insurer: Mapping[str, Any], calls: KeptCalls, callback_url: Callable[[str], str]) -> None:
        settings = InsurerSettings.model_validate(insurer)
        self._insurer_id = settings.id
        self._clock = Clock()
        self._http = _ObservedHttp(settings, self._clock)
        line = InsurerAccess(http=self._http, clock=self._clock, options=settings.options, callback_url=callback_url)
        waiter = CallbackWaiter(calls)
        calls.on_call = waiter.notify
        self._exchange = InsurerExchange(
            settings,
            make_adapter(settings, line),
            SharedBreaker(settings, self._clock),
            RateLimits(settings, self._clock),
            self._clock,
            waiter,
            end_margin_s=0.0,
        )
        self.seconds = 0.0
        """How long the last quote took."""
        self.idempotency_key = ""
        """The idempotency key of the last quote."""

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of all calls, in their order."""
        return tuple(self._http.paths)

    async def quote(self, application: Application, *, within_s: float) -> Answer | None:
        """The insurer's answer, None where the end came first."""
        now = self._clock.now()
        request_id = uuid7(now)
        job = Job(
            insurer_id=self._insurer_id,
            request_id=request_id,
            application=application,
            expires_at=now + timedelta(seconds=within_s),
            application_id=None,
            holding=Holding(Delivery(0, "", request_id)),
        )
        self.idempotency_key = job.idempotency_key
        began_at_s = self._clock.monotonic()
        try:
            return await self._exchange.ask(job, _SoleWorker())
        finally:
            self.seconds = self._clock.monotonic() - began_at_s

    async def close(self) -> None:
        await self._http.close()


class _ObservedHttp(InsurerHttp):
    """Remembers the paths of its calls."""

    def __init__(self, settings: InsurerSettings, clock: Clock) -> None:
        super().__init__(settings, clock)
        self.paths: list[str] = []

    async def send(self, method: str, path: str, **more: Any) -> Reply:
        self.paths.append(path)
        return await super().send(method, path, **more)


class _SoleWorker:
    """No other worker has the job."""

    async def confirm(self, job: Job) -> None:
        del job

    async def remember(self, job: Job, application_id: str) -> None:
        del job, application_id
