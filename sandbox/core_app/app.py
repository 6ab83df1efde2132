"""core-app as an ASGI application: takes applications, hands them to the aggregator, answers at once."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from sandbox.core_app import endpoints, quote_sse
from sandbox.core_app.aggregator import Aggregator
from sandbox.core_app.config import Config
from sandbox.core_app.feed import Feed
from sandbox.core_app.identity import CustomerSigner, OwnCookie
from sandbox.core_app.limits import SubmissionLimits
from sandbox.core_app.numbering import Applications
from sandbox.core_app.page import add_page
from sandbox.insurers.control.docs_page import add_page as add_description

_DESCRIPTION = """
The customers' service. It numbers an application, hands it to osago-aggregator and answers 202 at once, with a
token by which the customer's browser watches the offers arrive.

Repeat a request after a lost answer, with the same `Idempotency-Key`: it stays one application.
"""


def create_app(config: Config) -> FastAPI:
    """The page at `/`, applications under `/applications`, the API's description at `/docs`."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
        async with Aggregator(config.url, config.token) as aggregator, _reading(app.state.feed):
            app.state.aggregator = aggregator
            yield

    app = FastAPI(
        title="core-app",
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # no application is sent to another address
    )
    app.state.applications = Applications()
    app.state.signer = CustomerSigner(config.secret)
    app.state.limits = SubmissionLimits(config.customer_limit)
    app.state.feed = Feed(config.redis_url, config.shards, config.feed_keys) if config.redis_url else None
    app.state.close = app.state.feed.close if app.state.feed else lambda: None
    app.include_router(endpoints.router)
    app.include_router(quote_sse.router)
    app.add_route("/healthz", _alive, methods=["GET"], include_in_schema=False)
    app.add_route("/readyz", _ready, methods=["GET"], include_in_schema=False)
    add_page(app, config)
    add_description(app)
    app.add_middleware(OwnCookie)
    if config.proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=config.proxies)  # type: ignore[arg-type]
    return app


@asynccontextmanager
async def _reading(feed: Feed | None) -> AsyncGenerator[None, None]:
    """Reads the feed beside the block."""
    if feed is None:
        yield
        return
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(feed.run())
        try:
            yield
        finally:
            feed.close()


async def _alive(_: Request) -> JSONResponse:
    return JSONResponse({"status": "alive"})


async def _ready(request: Request) -> JSONResponse:
    """Ready with the aggregator down, too: an answer that says so is part of the work."""
    aggregator: Aggregator = request.app.state.aggregator
    return JSONResponse({"status": "ready", "aggregator": "answering" if aggregator.is_answering else "silent"})
