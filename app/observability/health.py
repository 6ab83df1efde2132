"""`/healthz`, `/readyz`, `/metrics`: the same three for the API and for workers."""

import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from app.domain.errors import Unavailable
from app.resources import Resources
from app.storage.revisions import is_current
from app.streams.connection import GONE

MULTIPROCESS: Final = "PROMETHEUS_MULTIPROC_DIR"
EXPOSITION_SHARE_MAX: Final = 0.02
"""Of a core, for writing metrics: with ninety insurers they are thousands of lines, and no token is asked for."""


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
