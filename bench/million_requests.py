"""A migration beside a million requests and an API that goes on accepting: how long it takes, and how long an accepted request waits.

`python -m bench.million_requests [--from 0006] [--rows 1000000] [--rate 200]`; then one run of the purge over a tenth of the rows. It is run by
hand for each release with a migration over the big tables, and its figures stand in docs/operations.md.
"""

import argparse
import asyncio
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import asyncpg
from alembic import command

from app.config.settings import Settings
from app.domain.ids import uuid7
from app.domain.quote import QuoteRequest
from app.postgres.cipher import Sealed
from app.postgres.database import connected, open_pool
from app.postgres.migration import config, migrate
from app.postgres.request_rows import NewRequest, insert_requests
from app.resources import open_resources
from bench.system import EXAMPLE
from sandbox.demo.environment import Ports, demo_environment
from sandbox.demo.servers import Postgresql, Redis

_FILL: Final = """
INSERT INTO osago_requests (
    id, tenant, customer_id, insurers, insurers_chosen, application, application_key_id,
    created_at, expires_at, completed_at, outcome
)
SELECT gen_random_uuid(), 'core-app', 'customer-' || n % 300000, '{sever,volga}', false,
       CASE WHEN n % 10 < 8 THEN NULL ELSE decode(repeat(md5(n::text), 60), 'hex') END,
       CASE WHEN n % 10 < 8 THEN NULL ELSE 'k1' END,
       moment, moment + interval '60s', moment + interval '30s', 'ALL_ANSWERED'
FROM (SELECT n, now() - interval '1d' * (n % 400) AS moment FROM generate_series(1, $1::int) AS n) AS t
"""
_QUOTES: Final = """
INSERT INTO osago_quotes (request_id, insurer_id, status, offer, received_at)
SELECT id, insurer, 'OFFERED', '{"number": "N-1", "premium": "5432.10"}', completed_at
FROM osago_requests, unnest(insurers) AS insurer
"""


async def _accepting(url: str, per_s: int, waits: list[float]) -> None:
    """Accepts as an API does, and keeps what each batch took, in seconds."""
    pool, sealed = await open_pool(url, connections=4), Sealed("k1", EXAMPLE.read_bytes())
    try:
        while True:
            now = datetime.now(UTC)
            request = QuoteRequest(
                id=uuid7(now),
                tenant="core-app",
                customer_id="customer-1",
                client_reference=None,
                insurers=("sever", "volga"),
                created_at=now,
                expires_at=now + timedelta(hours=9),
                ending=None,
                quotes={},
            )
            began = time.perf_counter()
            async with connected(pool) as connection:
                await insert_requests(connection, [NewRequest(request, insurers_chosen=False, application=sealed)])
            waits.append(time.perf_counter() - began)
            await asyncio.sleep(1 / per_s)
    finally:
        pool.terminate()


async def _beside(url: str, per_s: int, work: "asyncio.Future[None]") -> None:
    """Waits for the work beside accepting, and prints how both went."""
    waits: list[float] = []
    accepting, began = asyncio.create_task(_accepting(url, per_s, waits)), time.perf_counter()
    await work
    took = time.perf_counter() - began
    accepting.cancel()
    await asyncio.gather(accepting, return_exceptions=True)
    ordered = sorted(waits)
    p99 = ordered[len(ordered) * 99 // 100] if ordered else 0
    print(
        f"  {took:.1f} s; accepted beside it {len(waits)}: p99 {p99 * 1e3:.0f} ms, longest {max(waits, default=0) * 1e3:.0f} ms"
    )


async def _purge(settings: Settings) -> None:
    async with open_resources(settings) as resources:
        await resources.purging.purge_due()


async def _run(folder: Path, since: str, rows: int, per_s: int) -> None:
    postgresql, redis = Postgresql(folder / "postgres", is_tuned=True), Redis(folder / "redis")
    postgresql.start()
    redis.start()
    try:
        url = postgresql.url()
        await asyncio.to_thread(command.upgrade, config(url), since)
        connection = await asyncpg.connect(url)
        await connection.execute(_FILL.replace("$1::int", str(rows)))
        await connection.execute(_QUOTES)
        await connection.execute("ANALYZE")
        size = await connection.fetchval("SELECT pg_size_pretty(pg_database_size(current_database()))")
        print(f"{rows} requests, {size}")
        print(f"migration from {since}")
        await _beside(url, per_s, asyncio.ensure_future(asyncio.to_thread(migrate, url)))
        ports = Ports(api=0, sandbox=9, core_app=9, workers=())
        given = demo_environment(folder, database_url=url, redis_url=redis.url, ports=ports)
        options = {
            key.removeprefix("OSAGO_").lower(): value for key, value in given.items() if key.startswith("OSAGO_")
        }
        settings = Settings(_env_file=None, **options | {"offer_retention": "360d"})  # type: ignore[call-arg]
        for what in ("purge of what is 360 days old", "purge again"):
            print(what)
            await _beside(url, per_s, asyncio.ensure_future(_purge(settings)))
        for table in ("osago_requests", "osago_purges"):
            print(f"  {table}: {await connection.fetchval(f'SELECT count(*) FROM {table}')}")  # noqa: S608 - ours
        await connection.close()
    finally:
        redis.stop()
        postgresql.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="since", default="0006")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rate", type=int, default=200)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="osago-bench-", ignore_cleanup_errors=True) as folder:
        asyncio.run(_run(Path(folder), chosen.since, chosen.rows, chosen.rate))


if __name__ == "__main__":
    main()
