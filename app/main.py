"""The composition root of the API: everything is made here, once, and handed down."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from app.api import callbacks, graphiql, http, websocket
from app.api.availability import Availabilities
from app.api.context import Services
from app.api.tokens import Tokens
from app.callbacks import PATH as CALLBACKS
from app.live import Live
from app.loops import forever, running
from app.observability import health
from app.observability.health import Readiness, readiness
from app.quoting.accepting import Accepting
from app.quoting.admission import MEASURE_EVERY_S, Admission
from app.resources import Resources, open_resources
from app.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """The ASGI application. It opens its resources when it starts up."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
        async with open_resources(settings) as resources:
            services = _services(resources)
            app.state.resources, app.state.services = resources, services
            async with running(
                services.accepting.run,
                services.live.run,
                resources.keep_clock,
                resources.sweep,
                lambda: forever(
                    "admission", services.accepting.admission.measure, every_s=MEASURE_EVERY_S, clock=resources.clock
                ),
            ):
                yield

    async def graphql(request: Request) -> Response:
        services: Services = app.state.services
        if request.method == "GET" and "text/html" in request.headers.get("accept", "") and settings.graphiql:
            return graphiql.page(services.clock, settings.graphiql_token.get_secret_value())
        return await http.answer(request, services)

    async def graphql_socket(socket: WebSocket) -> None:
        await websocket.serve(socket, app.state.services)

    async def callback(request: Request) -> Response:
        return await callbacks.answer(request, app.state.resources.callbacks)

    async def probe() -> Readiness:
        return await readiness(app.state.resources, is_draining=app.state.is_draining)

    app = FastAPI(title="osago-aggregator", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.is_draining = False
    app.router.routes.extend(health.routes(probe))
    app.add_route("/graphql", graphql, methods=["GET", "POST"], include_in_schema=False)
    app.add_route(f"{CALLBACKS}/{{token}}", callback, methods=["POST"], include_in_schema=False)
    app.router.routes.append(WebSocketRoute("/graphql", graphql_socket))
    if settings.graphiql:
        app.mount("/graphql/static", GZipMiddleware(StaticFiles(directory=graphiql.STATIC)))
    return app


def _services(resources: Resources) -> Services:
    settings, clock = resources.settings, resources.clock
    insurers = list(resources.insurers)
    admission = Admission(
        resources.pool, resources.redis, resources.jobs, clock, insurers=insurers, age_s_most=settings.admission_age
    )
    accepting = Accepting(
        resources.pool,
        resources.jobs,
        resources.cipher,
        clock,
        admission,
        insurers=insurers,
        deadline_s=settings.quote_deadline,
    )
    return Services(
        pool=resources.pool,
        clock=clock,
        accepting=accepting,
        ending=resources.ending,
        live=Live(resources.pool, resources.redis, resources.events, resources.ending, clock),
        availabilities=Availabilities(
            [insurer.insurer for insurer in resources.insurers.values()], resources.redis, clock
        ),
        tokens=Tokens(settings.secret(), clock, watch_ttl_s=settings.watch_token_ttl),
    )
