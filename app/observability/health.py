"""`/healthz`, `/readyz`, `/metrics`: the same three for the API and for workers."""

import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from app.observability.readiness import Readiness

MULTIPROCESS: Final = "PROMETHEUS_MULTIPROC_DIR"


def routes(probe: Callable[[], Awaitable[Readiness]], failing: Callable[[], Sequence[str]]) -> list[Route]:
    """The three routes; `probe` returns the readiness now, `failing` the parts of the process that keep failing."""

    async def healthz(_request: Request) -> Response:
        if names := failing():
            return PlainTextResponse(f"failing: {', '.join(names)}\n", 503)
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
