"""GraphiQL, served from the project itself: it works without internet."""

import json
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Final

from starlette.responses import HTMLResponse, Response

from app.clock import Clock

STATIC: Final = Path(__file__).parent / "static" / "graphiql"
_STARTS_IN: Final = timedelta(days=10)
_POLICY: Final = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; "
    "connect-src 'self' ws: wss:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


def page(clock: Clock, token: str) -> Response:
    """The page; with a token (the demo's) its headers are filled in."""
    config = {
        "url": "/graphql",
        "headers": {"Authorization": f"Bearer {token}"} if token else {},
        "startsOn": (clock.now() + _STARTS_IN).date().isoformat(),
    }
    text = _template().replace("__CONFIG__", json.dumps(config).replace("<", "\\u003c"))
    return HTMLResponse(text, headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"})


@cache
def _template() -> str:
    return (STATIC / "index.html").read_text(encoding="utf-8")
