"""The chain as a worker builds it around one insurer, for a job at a time."""

import base64
import itertools
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from app.config.insurers_file import InsurerSettings
from app.domain.application import Application
from app.domain.intake.application_table import application_table
from app.domain.intake.fast_reader import read_fast
from app.domain.quote import Offer
from app.intake.new_request import is_email
from app.postgres.cipher import Cipher
from app.redis.insurer_states import InsurerStates
from app.redis.job_streams import Delivery
from app.redis.topology import connect, parse_address
from app.runtime.clock import Clock
from app.use_cases.insurer_callbacks import InsurerCallbacks
from workers.adapters.adapter import InsurerAccess
from workers.adapters.registry import make_adapter
from workers.adapters.transport.insurer_http import InsurerHttp
from workers.insurer_calls.callback_waiter import CallbackWaiter
from workers.insurer_calls.exchange import InsurerExchange
from workers.job import Holding, Job
from workers.resilience.circuit_breaker import SharedBreaker
from workers.resilience.rate_limit import RateLimits

EXAMPLE: Final = Path(__file__).parents[1] / "examples/application.json"
FAR_AWAY: Final = "1000000/s"
"""A limit that is asked for each call, and never reached."""


class _Sole:
    """The jobs' owner where no other worker runs."""

    async def confirm(self, job: Job) -> None:
        del job

    async def remember(self, job: Job, application_id: str) -> None:
        del job, application_id


@asynccontextmanager
async def chain(redis_url: str, url: str, concurrent: int) -> AsyncGenerator[Callable[[], Awaitable[None]], None]:
    """What asks one insurer about one application, to its offer."""
    settings = InsurerSettings.model_validate(
        {
            "id": "sever",
            "name": "Sever",
            "adapter": "rest-poll",
            "base_url": url,
            "max_in_flight": concurrent,
            "rate_limit": FAR_AWAY,
            "poll_rate_limit": FAR_AWAY,
            "poll_interval": {"first": "1ms", "factor": 1, "most": "1ms"},
        }
    )
    clock, numbers = Clock(), itertools.count()
    http = InsurerHttp(settings, clock)
    redis = connect(parse_address(redis_url))
    states = InsurerStates(redis)
    circuit, limits = SharedBreaker(settings, clock, states), RateLimits(settings, clock, states)
    cipher = Cipher.from_setting(f"k1:{base64.b64encode(bytes(32)).decode()}")
    mailbox = InsurerCallbacks(
        cipher, redis, clock, settings.secret, shards=1, public_url="http://127.0.0.1", deadline_s=60
    )
    adapter = make_adapter(settings, InsurerAccess(http=http, clock=clock))
    asking = InsurerExchange(settings, adapter, circuit, limits, clock, CallbackWaiter(mailbox), end_margin_s=1)
    application = example_application()

    async def job() -> None:
        request_id = UUID(int=next(numbers))
        holding = Holding(Delivery(0, "0-0", request_id))
        expires_at = clock.now() + timedelta(seconds=60)
        answer = await asking.ask(Job(settings.id, request_id, application, expires_at, None, holding), _Sole())
        if not isinstance(answer, Offer):
            raise TypeError(f"no offer: {answer}")

    try:
        yield job
    finally:
        await http.close()
        await redis.aclose()


def example_application() -> Application:
    """The example of the repository, taken in."""
    today = datetime.now(UTC).date()
    raw = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    start = {"startsOn": (today + timedelta(days=10)).isoformat(), "consent": None}
    return read_fast(application_table(today, is_email), raw | start)
