"""The console's page: a built copy of `frontend/operator`, which needs nothing from elsewhere and no script in its HTML."""

from functools import cache
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

STATIC: Final = Path(__file__).parents[1] / "static" / "operator"
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'; require-trusted-types-for 'script'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


async def page(_request: Request) -> Response:
    """The same for every viewer: it asks for the session by itself."""
    return HTMLResponse(_text(), headers=SECURITY_HEADERS)


@cache
def _text() -> str:
    return (STATIC / "index.html").read_text(encoding="utf-8")
