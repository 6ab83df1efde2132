"""The resources of operators' commands: PostgreSQL, Redis, the clock; no key of applications is needed."""

import getpass
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from app.config.insurers_file import load_insurers
from app.config.quantities import parse_duration
from app.config.settings import Settings
from app.domain.errors import ControlRefused, WrongSetting
from app.domain.operators.control import Order
from app.observability import logs
from app.postgres.database import open_pool, read_time
from app.redis.topology import connect, parse_address
from app.resources import make_controls
from app.runtime.clock import Clock
from app.use_cases.controls.operator_controls import OperatorControls
from cli.demo_settings import load_settings
from cli.server_access import run_against_servers

Result = TypeVar("Result")

_CONNECTIONS: int = 3


def order_of(why: str, by: str, lasting: str) -> Order:
    """The order that the options describe; `by` left out is the user of the system, `lasting` left out has no end.

    Raises:
        WrongSetting: an option is wrong.
    """
    try:
        lasts_s = parse_duration(lasting) if lasting else None
    except ValueError as error:
        raise WrongSetting(f"--for: {error}") from None
    try:
        return Order(by or _user(), why, lasts_s)
    except ControlRefused as refusal:
        option = {"who": "--by", "why": "--why", "how long": "--for"}
        name, _, text = str(refusal).partition(": ")
        raise WrongSetting(f"{option.get(name, name)}: {text}") from None


def run_controls(step: Callable[[OperatorControls], Awaitable[Result]]) -> Result:
    """Runs the step with the controls of this environment.

    Raises:
        WrongSetting: it was refused, or a server cannot be reached; the text says which.
    """
    settings = load_settings()
    logs.configure(log_format="console", level="error")  # the command prints its outcome itself

    async def main() -> Result:
        async with _opened(settings) as controls:
            return await step(controls)

    return refusing(lambda: run_against_servers(main))


def refusing(run: Callable[[], Result]) -> Result:
    """Runs it; what an operator must not order is one clear line.

    Raises:
        WrongSetting: it was refused.
    """
    try:
        return run()
    except ControlRefused as refusal:
        raise WrongSetting(str(refusal)) from None


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncGenerator[OperatorControls, None]:
    insurers = load_insurers(settings.insurers_file)
    redis = connect(parse_address(settings.redis_url))
    pool = await open_pool(settings.database_url, connections=_CONNECTIONS)
    clock = Clock()
    try:
        await clock.sync(lambda: read_time(pool))
        yield make_controls(settings, insurers, pool, redis, clock)
    finally:
        pool.terminate()
        await redis.aclose()


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        raise WrongSetting("--by: needed, this system does not know its user's name") from None
