"""The customer's page: a built copy of `frontend/customer`, with the aggregator's address and the moment filled in."""

import json
import time
from functools import cache
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from sandbox.core_app.config import Config
from sandbox.core_app.identity import CustomerSigner, introduce

STATIC: Final = Path(__file__).parent / "static"


def add_page(app: FastAPI, config: Config) -> None:
    """`/`, and its files under `/static`."""
    headers = {
        "Content-Security-Policy": f"default-src 'self'; img-src 'self' data:; connect-src 'self' {config.watch_origin}; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }

    @app.get("/", include_in_schema=False)
    async def page(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        settings = json.dumps({"watchUrl": config.watch_url, "nowMs": round(time.time() * 1000)})
        text = _template().replace("__CONFIG__", settings.replace("<", "\\u003c"))
        response = HTMLResponse(text, headers=headers)
        signer: CustomerSigner = app.state.signer
        introduce(response, request, signer.customer_of(request) or signer.new_customer())
        return response

    app.mount("/static", GZipMiddleware(StaticFiles(directory=STATIC)))


@cache
def _template() -> str:
    return (STATIC / "index.html").read_text(encoding="utf-8")
