"""The long-running processes, and the small commands that share their settings."""

import asyncio
import os
import signal
import socket
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from app.config.quantities import parse_duration, parse_rate
from app.config.settings import AUTH_SECRET_BYTES_MIN, Settings
from app.domain.errors import WrongSetting
from app.observability import logs
from app.runtime import gc_tuning
from app.server import serve
from app.server.loopback import LoopbackHosts, is_loopback
from cli.demo_settings import load_settings
from sandbox.core_app.feed_keys import FeedKeys

_MULTIPROCESS: Final = "PROMETHEUS_MULTIPROC_DIR"


def migrate() -> None:
    """Brings the database to the newest schema."""
    import asyncpg

    from app.postgres.migration import migrate
    from app.postgres.servers.primary_finder import NotPrimary
    from cli.server_access import wrong_database

    settings = _settings()
    try:
        migrate(settings.database_url)
    except (OSError, TimeoutError, asyncpg.PostgresConnectionError, NotPrimary) as error:
        raise WrongSetting(f"OSAGO_DATABASE_URL: PostgreSQL cannot be reached ({type(error).__name__})") from None
    except asyncpg.PostgresError as error:
        raise wrong_database(error) from None
    except (ValueError, asyncpg.InterfaceError) as error:
        raise WrongSetting(f"OSAGO_DATABASE_URL: {error}") from None


def api(host: str, port: int, processes: int) -> None:
    """Serves the API until SIGTERM."""
    from app.api import from_settings
    from app.main import create_app
    from app.resources import check

    settings = _settings()
    from_settings.check(settings)
    check(settings)
    if processes == 1:
        serve.serve(create_app(settings, owns_process=True), host, port)
        return
    with tempfile.TemporaryDirectory(prefix="osago-metrics-") as folder:
        os.environ[_MULTIPROCESS] = folder
        serve.serve_in_processes("cli.processes:make_api", host, port, processes)


def make_api() -> object:
    """The API's application, made anew in each of several processes."""
    gc_tuning.pause()
    from app.main import create_app

    return create_app(_settings(), owns_process=True)


def worker(insurers: Sequence[str], name: str, metrics_host: str, metrics_port: int) -> None:
    """Works until SIGTERM."""
    from app.resources import check
    from workers.worker import check_choice

    settings = _settings()
    check(settings)
    check_choice(settings, insurers, name)
    serve.open_many_files()
    with asyncio.Runner(loop_factory=serve.new_event_loop) as runner:
        runner.run(_worker(settings, insurers, name, metrics_host, metrics_port))


async def _worker(settings: Settings, insurers: Sequence[str], name: str, host: str, port: int) -> None:
    from app import health
    from app.observability.tracing.tracing import open_tracing
    from app.redis.fleet.process_reports import WORKER
    from app.resources import open_resources
    from workers.worker import Worker

    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    instance = f"{name or socket.gethostname()}-{os.getpid()}"
    async with open_tracing(WORKER, instance) as tracing, open_resources(settings, tracing) as resources:
        one = Worker(resources, insurers=insurers, name=name)
        routes = health.routes(one.readiness, lambda: one.supervisor.failing)
        async with serve.beside(routes, host, port):
            gc_tuning.resume()
            await one.run(stopping)


def bridge(name: str, metrics_host: str, metrics_port: int) -> None:
    """Carries events to one destination until SIGTERM."""
    from app.resources import check
    from bridge.bridge_process import check_bridge

    settings = _settings()
    check_bridge(settings, name)
    check(settings)
    with asyncio.Runner(loop_factory=serve.new_event_loop) as runner:
        runner.run(_bridge(settings, name, metrics_host, metrics_port))


async def _bridge(settings: Settings, name: str, host: str, port: int) -> None:
    from app import health
    from app.resources import open_resources
    from bridge.bridge_process import BridgeProcess

    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with open_resources(settings) as resources:
        one = BridgeProcess(resources, name)
        async with serve.beside(health.routes(one.readiness, lambda: one.failing), host, port):
            await one.run(stopping)


def sandbox(
    host: str, port: int, *, seed: int, time_scale: float, is_calm: bool, tariff_folder: Path | None = None
) -> None:
    """Serves the sandbox insurers until SIGTERM."""
    from sandbox.insurers.app import create_app

    logs.configure(log_format="console", level="warning")
    app = create_app(seed=seed, time_scale=time_scale, calm=is_calm, tariff_folder=tariff_folder)
    if is_loopback(host):
        app.add_middleware(LoopbackHosts)
    serve.serve(app, host, port, on_exit=app.state.sandbox.close)


def core_app(
    host: str,
    port: int,
    *,
    url: str,
    watch_url: str,
    token: str,
    secret: str,
    customer_limit: str,
    proxies: str,
    redis_url: str,
    feed_keys: str,
    shards: int,
) -> None:
    """Serves core-app and the customer's page until SIGTERM."""
    from sandbox.core_app.app import create_app
    from sandbox.core_app.config import Config, CustomerLimit

    logs.configure(log_format="console", level="warning")
    if not token:
        raise WrongSetting("--token (OSAGO_TOKEN): needed; `osago token` prints one")
    if secret and len(secret.encode()) < AUTH_SECRET_BYTES_MIN:
        raise WrongSetting(f"--secret (OSAGO_CORE_APP_SECRET): at least {AUTH_SECRET_BYTES_MIN} bytes")
    try:
        rate = parse_rate(customer_limit)
    except ValueError as error:
        raise WrongSetting(f"--customer-limit: {error}") from None
    _check_scheme("--url", url, "http", "https")
    _check_scheme("--redis-url", redis_url or "redis:", "redis", "rediss", "unix")
    _check_scheme("--watch-url", watch_url or "ws:", "ws", "wss")
    config = Config(
        url=url,
        watch_url=watch_url or url.replace("http", "ws", 1),
        token=token,
        **({"secret": secret} if secret else {}),
        proxies=proxies,
        customer_limit=rate and CustomerLimit(count=rate.count, per_s=rate.per_s),
        redis_url=redis_url,
        feed_keys=_feed_keys(redis_url, feed_keys),
        shards=shards,
    )
    app = create_app(config)
    # A proxy of this machine that is configured passes on the names that it serves.
    if is_loopback(host) and not proxies:
        app.add_middleware(LoopbackHosts)
    serve.serve(app, host, port, on_exit=app.state.close)


def _feed_keys(redis_url: str, text: str) -> FeedKeys:
    if redis_url and not text:
        raise WrongSetting("--feed-keys (OSAGO_FEED_KEYS): needed to read the feed; `osago keys feed` prints them")
    try:
        return FeedKeys.parse(text) if text else FeedKeys({})
    except ValueError as error:
        raise WrongSetting(f"--feed-keys (OSAGO_FEED_KEYS): {error}") from None


def _check_scheme(option: str, url: str, *schemes: str) -> None:
    if url.partition(":")[0] not in schemes:
        raise WrongSetting(f"{option}: expected {' or '.join(f'{scheme}://' for scheme in schemes)}")


def token(subject: str, scope: str, ttl: str) -> None:
    """Prints a service token."""
    from app.api.auth.tokens import TTL_S_MAX
    from app.api.from_settings import make_tokens
    from app.runtime.clock import Clock

    settings = load_settings()
    try:
        lasting = timedelta(seconds=parse_duration(ttl))
    except ValueError as error:
        raise WrongSetting(f"--ttl: {error}") from None
    if lasting.total_seconds() > TTL_S_MAX:
        raise WrongSetting(f"--ttl: at most {TTL_S_MAX / 86_400:.0f}d; a token that holds for longer does not hold")
    tokens = make_tokens(settings, Clock())
    print(tokens.service_token(subject, scope, lasting))


def _settings() -> Settings:
    settings = Settings.load()
    logs.configure(log_format=settings.log_format, level=settings.log_level)
    return settings
