"""`/healthz`, `/readyz`, `/metrics`: the same three for the API and for workers."""

import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from app.domain.errors import Unavailable
from app.postgres.schema_version import is_current
from app.redis.topology import GONE
from app.resources import Resources

MULTIPROCESS: Final = "PROMETHEUS_MULTIPROC_DIR"


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether work can be given to this process, and what is missing or degraded."""

    is_ready: bool
    detail: Mapping[str, str]


async def readiness(resources: Resources, *, is_draining: bool) -> Readiness:
    """Without PostgreSQL nothing can be promised; without Redis accepting and watching go on, later."""
    detail: dict[str, str] = {}
    try:
        current = await is_current(resources.pool)
        detail["postgresql"] = "ok" if current else "migrations are behind: run `osago migrate`"
    except Unavailable:
        current = False
        detail["postgresql"] = "not there"
    try:
        await resources.redis.ping()
        detail["redis"] = "ok"
    except GONE:
        detail["redis"] = "not there"
    if is_draining:
        detail["process"] = "draining"
    return Readiness(current and not is_draining, detail)


def routes(probe: Callable[[], Awaitable[Readiness]]) -> list[Route]:
    """The three routes; `probe` tells the readiness now."""

    async def healthz(_request: Request) -> Response:
        return PlainTextResponse("alive\n")

    async def readyz(_request: Request) -> Response:
        found = await probe()
        degraded = found.is_ready and any(state != "ok" for state in found.detail.values())
        status = "degraded" if degraded else "ready" if found.is_ready else "not ready"
        return JSONResponse({"status": status, **found.detail}, 200 if found.is_ready else 503)

    async def metrics(_request: Request) -> Response:
        return Response(_exposition(), media_type=CONTENT_TYPE_LATEST)

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]


def _exposition() -> bytes:
    """This process's metrics, or those of all processes that share a port."""
    if MULTIPROCESS not in os.environ:
        return generate_latest()
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # pyright: ignore[reportUnusedCallResult]
    return generate_latest(registry)
