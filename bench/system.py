"""The product as it is deployed, for a benchmark: PostgreSQL and Redis of its own, migrated, and what it is asked."""

import asyncio
import contextlib
import json
import tempfile
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import asyncpg

from app.api.auth.tokens import Tokens
from app.postgres.migration import migrate
from app.runtime.clock import Clock
from bench.measured_processes import running, wait_until_ready
from sandbox.demo.environment import Ports, demo_environment
from sandbox.demo.servers import Postgresql, Redis, free_port

EXAMPLE: Final = Path(__file__).parents[1] / "examples/application.json"
CREATE: Final = """\
mutation CreateQuoteRequest($input: CreateQuoteRequestInput!) {
  createQuoteRequest(input: $input) {
    __typename
    ... on QuoteRequestAccepted {
      watchToken
      quoteRequest {
        id clientReference customerId status createdAt expiresAt remainingSeconds completedAt
        progress { answered total }
      }
    }
    ... on InvalidApplication { problems { path code message } }
    ... on RateLimited { retryAfterSeconds }
  }
}
"""
"""Fourteen fields out; in, the contract's whole input."""

_LOOKS: Final = 20


@dataclass(frozen=True, slots=True)
class System:
    """Servers and settings; processes are started on top."""

    database_url: str
    redis_url: str
    environment: Mapping[str, str]
    servers: Mapping[str, int]
    """The pids of PostgreSQL and Redis, by name."""

    @contextlib.contextmanager
    def api(self, *options: str, environment: Mapping[str, str] | None = None) -> Generator[tuple[int, str]]:
        """The pid of an API, and the URL of its `/graphql`; `environment`: further settings of this one alone."""
        port = free_port()
        arguments = ["-m", "cli.main", "api", "--port", str(port), *options]
        with running(arguments, port=port, environment={**self.environment, **(environment or {})}) as pid:
            for _ in range(_LOOKS):  # each comes to any of several processes
                wait_until_ready(port)
            yield pid, f"http://127.0.0.1:{port}/graphql"

    def token(self) -> str:
        """A service token."""
        return Tokens(self.environment["OSAGO_AUTH_SECRET"], Clock(), watch_ttl_s=1).service_token(
            "core-app", "quotes:write quotes:read", timedelta(hours=1)
        )

    def fetch(self, sql: str) -> Any:
        """One value out of PostgreSQL."""

        async def fetched() -> Any:
            connection = await asyncpg.connect(self.database_url)
            try:
                return await connection.fetchval(sql)
            finally:
                await connection.close()

        return asyncio.run(fetched())


@contextlib.contextmanager
def system(**settings: str) -> Generator[System]:
    """Fresh servers. Durable as in production: a commit waits for the disk."""
    with tempfile.TemporaryDirectory(prefix="osago-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        postgresql, redis = Postgresql(folder / "postgres", is_tuned=True), Redis(folder / "redis")
        postgresql.start()
        redis.start()
        try:
            migrate(postgresql.url())
            ports = Ports(api=0, sandbox=9, core_app=9, workers=())
            given = demo_environment(folder, database_url=postgresql.url(), redis_url=redis.url, ports=ports)
            made = System(
                postgresql.url(),
                redis.url,
                {**given, "OSAGO_LOG_LEVEL": "warning", **settings},
                {"postgresql": postgresql.pid, "redis": redis.pid},
            )
            for setting in ("synchronous_commit", "fsync"):
                if made.fetch(f"SHOW {setting}") != "on":
                    raise ValueError(f"{setting} is off: nothing is measured without it")
            yield made
        finally:
            redis.stop()
            postgresql.stop()


def wish() -> dict[str, Any]:
    """The contract's whole input, starting some days from today."""
    application = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    now = datetime.now(UTC)
    consent = application["consent"] | {"givenAt": now.isoformat(timespec="seconds")}
    starts_on = now.date() + timedelta(days=10)
    return {
        "clientReference": None,
        "customerId": "customer-of-a-benchmark",
        "application": application | {"startsOn": starts_on.isoformat(), "consent": consent},
        "insurerIds": None,
    }


def create_body(document: str = CREATE) -> bytes:
    return json.dumps({"query": document, "variables": {"input": wish()}}, ensure_ascii=False).encode()
