"""The sandbox as an ASGI application: twelve insurers to try against, with scripted faults, and their control API."""

from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Mount, Route

from app.domain.tariff.edition_loader import load_editions
from sandbox.insurers.control.control_api import control_app
from sandbox.insurers.model.catalogue import INSURERS
from sandbox.insurers.model.handle import APPLICATIONS_MAX, Sandbox
from sandbox.insurers.model.insurer_clock import Clock
from sandbox.insurers.model.views import Settings
from sandbox.insurers.wire import http_api
from sandbox.insurers.wire.dialects import load_dialects

_CONTROL: Final = "/control"


def create_app(
    *,
    seed: int = 1,
    time_scale: float = 1.0,
    calm: bool = False,
    applications_max: int = APPLICATIONS_MAX,
    clock: Clock | None = None,
    tariff_folder: Path | None = None,
) -> Starlette:
    """The insurers under `/{insurer}`, the control API under `/control`, an index at `/`; `app.state.sandbox` is the handle.

    `seed` draws what each application gets, `time_scale` multiplies every latency, `calm` leaves nothing to chance.
    `tariff_folder` holds further editions of the tariff.

    Raises:
        WrongSetting: a file of the tariff cannot be read.
    """
    sandbox = Sandbox(
        Settings(seed=seed, time_scale=time_scale, calm=calm),
        applications_max=applications_max,
        clock=clock or Clock(),
        editions=load_editions(tariff_folder),
    )
    app = Starlette(
        routes=[
            Mount(_CONTROL, control_app(sandbox)),
            *http_api.routes(sandbox, load_dialects().values()),
            Route("/", _index),
            Route("/docs", _docs),
        ]
    )
    app.state.sandbox = sandbox
    return app


async def _index(request: Request) -> JSONResponse:
    base = str(request.base_url)
    return JSONResponse(
        {
            "about": "Twelve invented insurers that speak every dialect of the adapters. None of them exists.",
            "control": f"{base}control/docs",
            "openapi": f"{base}control/openapi.json",
            "settings": f"{base}control/settings",
            "insurers": [
                {
                    "id": profile.id,
                    "name": profile.name,
                    "baseUrl": f"{base}{profile.id}",
                    "seen": f"{base}control/{profile.id}/seen",
                    "script": f"{base}control/{profile.id}/script",
                }
                for profile in INSURERS.values()
            ],
        }
    )


async def _docs(_: Request) -> RedirectResponse:
    return RedirectResponse(f"{_CONTROL}/docs")
