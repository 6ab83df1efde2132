"""The composition root of the API: everything is made here, once, and handed down."""

import asyncio
import secrets
import socket
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from app import health
from app.api import callback_endpoint, graphiql
from app.api.connections.origin_guard import OriginGuard, PreflightGuard, parse_origins
from app.api.connections.slow_consumers import SlowConsumerLog
from app.api.connections.socket_limits import SocketCounter
from app.api.console import console_routes
from app.api.console.console_parts import make_console
from app.api.execution.document_uses import DocumentUseReporter
from app.api.execution.operation import OperationRunner
from app.api.from_settings import make_operations, make_tokens
from app.api.http import asgi_route
from app.api.http.view import PATH, GraphQLView
from app.api.insurer_directory import InsurerDirectory
from app.api.request_spans import RequestSpans
from app.api.rest import routes as rest
from app.api.rest.problem_details import not_found
from app.api.services import Services
from app.api.websocket import graphql_socket
from app.config.settings import Settings
from app.intake.new_request import IntakeRules
from app.observability import metrics
from app.observability.tracing.tracing import open_tracing
from app.overview.process_reporter import ProcessReporter, ProcessState, health_of
from app.readiness import Readiness, ReadinessMonitor
from app.redis import keys
from app.redis.fleet.document_use_log import DocumentUseLog
from app.redis.fleet.process_reports import API
from app.redis.used_tickets import UsedTickets
from app.resources import Resources, open_resources
from app.runtime import gc_tuning
from app.runtime.periodic import periodic
from app.runtime.shielded_tasks import ShieldedTasks
from app.runtime.supervision import Part, run_parts
from app.server.connect_admission import CONNECTS, ConnectAdmission
from app.server.direct_application import DIRECT, DRAINING
from app.server.http1.forwarded import ForwardedClients
from app.server.http1.static_files import static_files
from app.server.loopback import LoopbackHosts
from app.story.frame_book import FrameBook
from app.story.inquiries.inquiry_responder import InquiryResponder
from app.use_cases.accept import RequestAcceptor
from app.use_cases.admission import MEASURE_EVERY_S, Admission
from app.use_cases.caller_rate_limit import CallerRateLimiter
from app.use_cases.caller_shares import CallerShares
from app.use_cases.controls.control_watch import APIS_EVERY_S, ControlWatch
from app.use_cases.insurer_callbacks import PATH as CALLBACKS
from app.watch.customer_watch import CustomerWatches
from app.watch.hub import WatchHub
from app.watch.push_latency import PushLatency

_PATH_WITH_SLASH: Final = PATH + "/"


class Api(Starlette):
    """Subscriptions bypass the middleware: each of its layers would hold a frame for as long as the socket is open, 6 KB in all.

    `proxies` are those whose `X-Forwarded-For` names the client; see `Settings.trusted_proxies`.
    """

    def __init__(self, proxies: str, lifespan: Any) -> None:
        super().__init__(lifespan=lifespan)
        self.router.redirect_slashes = False  # a body with personal data is never sent to another address
        self._behind_proxies: Any = ForwardedClients(super().__call__, proxies)  # type: ignore[arg-type]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan" and scope["path"] == _PATH_WITH_SLASH:
            scope["path"] = PATH
        if scope["type"] == "websocket" and scope["path"] == PATH:
            await self.state.graphql_socket(scope, receive, send)
        else:
            await self._behind_proxies(scope, receive, send)


class LoopbackApi(Api):
    """The API where GraphiQL opens with a service token: every page that reads it has the token."""

    def __init__(self, proxies: str, lifespan: Any) -> None:
        super().__init__(proxies, lifespan)
        self._guarded = LoopbackHosts(super().__call__)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._guarded(scope, receive, send)


def create_app(settings: Settings, *, owns_process: bool = False) -> Api:
    """The ASGI application. It opens its resources when it starts up.

    With `owns_process` the process is this application's alone: the garbage collector may leave out what is there then.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[dict[str, Any], None]:
        draining = asyncio.Event()
        name = f"api-{socket.gethostname()}-{secrets.token_hex(4)}"  # a process that is started anew is another one
        async with open_tracing(API, name) as tracing, open_resources(settings, tracing) as resources:
            services = _services(resources, sockets)
            app.state.resources, app.state.services, app.state.view = resources, services, GraphQLView(services)
            app.state.console = make_console(resources, services.tokens)
            app.state.readiness = monitor = ReadinessMonitor(resources)
            InquiryResponder(resources, partial(services.frames.known, name)).listen(services.live.notifier)
            reporter, uses = _reporter(app, name, resources, sockets), _use_reporter(resources, services)
            parts = [*monitor.parts(), *_parts(resources, services), reporter.part(), *uses.parts()]
            async with run_parts(parts, resources.clock) as app.state.supervisor:
                await monitor.first_look()
                if owns_process:
                    gc_tuning.resume()
                # Requests that are answered without ASGI are answered for every host.
                yield {DRAINING: draining, **connects, **({} if opens_with_a_token else {DIRECT: app.state.view})}
                await services.finishing.finished()
                await uses.leave()
                await reporter.leave()

    sockets = SocketCounter(per_address=settings.sockets_per_address)
    connects = _admission_of_connects(settings)

    async def callback(request: Request) -> Response:
        return await callback_endpoint.answer(request, app.state.resources.callbacks)

    opens_with_a_token = settings.graphiql != "off" and bool(settings.graphiql_token.get_secret_value())
    app = (LoopbackApi if opens_with_a_token else Api)(settings.trusted_proxies, lifespan)
    app.state.is_draining = False
    _add_probes(app)
    _add_graphql(app, settings)
    app.router.routes.extend(rest.routes(lambda: app.state.services))
    if settings.operator_console == "on":
        app.router.routes.extend(console_routes.routes(lambda: app.state.console))
    _guard(app, parse_origins(settings.origins), sockets, settings.trusted_proxies)
    for path in (f"{CALLBACKS}/{{token}}", f"{CALLBACKS}/{{token}}/"):
        app.add_route(path, callback, methods=["POST"])
    app.add_exception_handler(404, not_found)
    return app


def _add_probes(app: Starlette) -> None:
    async def probe() -> Readiness:
        return await app.state.readiness.readiness(is_draining=app.state.is_draining)

    def failing() -> Sequence[str]:
        return app.state.supervisor.failing

    app.router.routes.extend(health.routes(probe, failing))


def _reporter(app: Starlette, name: str, resources: Resources, sockets: SocketCounter) -> ProcessReporter:
    def state() -> ProcessState:
        health = health_of(app.state.readiness, app.state.services.live.notifier, resources.clock)
        return ProcessState(app.state.is_draining, app.state.supervisor.failing, health, sockets=sockets.open)

    return ProcessReporter(resources.redis, resources.clock, kind=API, name=name, state=state)


def _use_reporter(resources: Resources, services: Services) -> DocumentUseReporter:
    documents = services.operations
    return DocumentUseReporter(documents.uses, documents.trusted_ids, DocumentUseLog(resources.redis), resources.clock)


def _admission_of_connects(settings: Settings) -> Mapping[str, ConnectAdmission]:
    """What the server gets of it; nothing where the rate is off."""
    rate = settings.connect_rate
    return {CONNECTS: ConnectAdmission(rate.per_second, on_refused=metrics.CONNECTS_REFUSED.inc)} if rate else {}


def _add_graphql(app: Starlette, settings: Settings) -> None:
    """GraphQL over both transports, and GraphiQL for browsers."""
    mode = settings.graphiql

    async def graphql(request: Request) -> Response:
        services: Services = app.state.services
        if request.method != "GET" or "text/html" not in request.headers.get("accept", "") or mode == "off":
            return await asgi_route.answer(request, app.state.view, services)
        if mode == "admin" and not graphiql.admitted(request, services.tokens):
            return graphiql.asking_for_a_token()
        return graphiql.page(services.clock, settings.graphiql_token.get_secret_value())

    app.add_route(PATH, graphql, methods=["GET", "POST"])
    if mode != "off":
        app.add_route("/graphql/static/{name}", static_files(graphiql.STATIC))


def _guard(app: Starlette, origins: frozenset[str], sockets: SocketCounter, proxies: str) -> None:
    """Limits which pages open sockets; and, by CORS, what pages of the listed origins may send and read. There are no cookies."""

    async def serve_socket(scope: Scope, receive: Receive, send: Send) -> None:
        await graphql_socket.serve(WebSocket(scope, receive, send), app.state.services)

    gate: Any = OriginGuard(serve_socket, origins=origins, sockets=sockets)
    app.state.graphql_socket = ForwardedClients(gate, proxies)
    app.add_middleware(OriginGuard, origins=origins, sockets=sockets)
    if origins:
        app.add_middleware(
            PreflightGuard,
            allow_origins=sorted(origins),
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "X-Request-Id", "Last-Event-ID"],
            expose_headers=["X-Request-Id", "Retry-After", "Location"],
            max_age=600,
        )


def _parts(resources: Resources, services: Services) -> list[Part]:
    admission = services.accepting.admission
    jwks = services.tokens.jwks
    return [
        *([Part("jwks", jwks.run)] if jwks else []),
        *services.accepting.parts(),
        *services.live.parts(),
        *services.customers.parts(),
        *resources.parts(),
        Part("controls", services.controls.run),
        periodic("admission", admission.measure, every_s=MEASURE_EVERY_S, clock=resources.clock),
    ]


def _services(resources: Resources, sockets: SocketCounter) -> Services:
    settings, clock = resources.settings, resources.clock
    salt = settings.secret() or settings.auth_keys.get_secret_value()
    insurers = list(resources.insurers)
    accepting = _acceptor(resources, salt)
    operations, finishing = make_operations(settings), ShieldedTasks()
    frames = FrameBook(clock, resources.tracing.frames if resources.tracing else None)
    live = WatchHub(resources.pool, resources.redis, resources.events, resources.ending, resources.links, clock)
    resources.masters.on_change(live.notifier.reconnect)
    controls = ControlWatch(resources.pool, clock, every_s=APIS_EVERY_S)
    live.notifier.listen([keys.controls()], controls.notify)
    return Services(
        pool=resources.pool,
        clock=clock,
        links=resources.links,
        accepting=accepting,
        ending=resources.ending,
        live=live,
        customers=CustomerWatches(resources.pool, live, clock, shards=settings.shards),
        availabilities=InsurerDirectory(
            [insurer.insurer for insurer in resources.insurers.values()], resources.redis, clock, controls
        ),
        controls=controls,
        intake_rules=IntakeRules(
            tuple(insurers),
            requires_consent=settings.require_consent,
            starts_ahead_days=tuple(insurer.starts_ahead_days for insurer in resources.insurers.values()),
        ),
        tokens=make_tokens(settings, clock),
        shares=CallerShares(clock, settings.watch_share, sockets_per_service=settings.sockets_per_token),
        pushed=PushLatency(clock),
        frames=frames,
        spans=_request_spans(resources),
        operations=operations,
        runner=OperationRunner(operations, finishing, introspection=settings.introspection),
        finishing=finishing,
        sockets=sockets,
        slow_consumers=SlowConsumerLog(frames, salt=salt),
        used_tickets=UsedTickets(resources.redis, shards=settings.shards),
    )


def _request_spans(resources: Resources) -> RequestSpans | None:
    tracing, limit = resources.tracing, resources.settings.caller_traces
    return RequestSpans(tracing, resources.clock, limit=limit) if tracing else None


def _acceptor(resources: Resources, salt: str) -> RequestAcceptor:
    settings, clock, insurers = resources.settings, resources.clock, list(resources.insurers)
    admission = Admission(
        resources.pool, resources.redis, resources.jobs, clock, insurers=insurers, age_s_max=settings.admission_age
    )
    limiting = CallerRateLimiter(
        resources.redis,
        clock,
        salt=salt,
        shards=settings.shards,
        caller=settings.rate_limit,
        customer=settings.customer_rate_limit,
    )
    return RequestAcceptor(
        resources.pool,
        resources.jobs,
        resources.cipher,
        clock,
        admission,
        limiting,
        insurers=insurers,
        deadline_s=settings.quote_deadline,
    )
