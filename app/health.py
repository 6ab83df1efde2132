"""`/healthz`, `/readyz`, `/metrics`: the same three for the API and for workers."""

import os
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, disable_created_metrics, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from app.readiness import Readiness

MULTIPROCESS: Final = "PROMETHEUS_MULTIPROC_DIR"
EXPOSITION_SHARE_MAX: Final = 0.02
"""The share of a core for writing metrics: with ninety insurers they are thousands of lines, and no token is asked for."""


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

    disable_created_metrics()  # a tenth of the lines; no rule and no panel reads them
    exposition = Exposition(_exposition, time.monotonic)

    async def metrics(_request: Request) -> Response:
        return Response(exposition.read(), media_type=CONTENT_TYPE_LATEST)

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]


class Exposition:
    """What `/metrics` answers, written anew only so often that writing takes a small share of a core."""

    def __init__(self, write: Callable[[], bytes], clock: Callable[[], float]) -> None:
        self._write = write
        self._clock = clock
        self._written = b""
        self._due_s = float("-inf")

    def read(self) -> bytes:
        """The metrics, as they were no longer ago than fifty times what writing them took."""
        began_s = self._clock()
        if began_s >= self._due_s:
            self._written = self._write()
            ended_s = self._clock()
            self._due_s = ended_s + (ended_s - began_s) / EXPOSITION_SHARE_MAX
        return self._written


def _exposition() -> bytes:
    """This process's metrics, or those of all processes that share a port."""
    if MULTIPROCESS not in os.environ:
        return generate_latest()
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # pyright: ignore[reportUnusedCallResult]
    return generate_latest(registry)
