"""The operator's console as a browser meets it over HTTP."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
from support.plain_http import plain_http
from support.world import ApiAtHand, World

LOOK = "operator"
ACT = "operator operator:act"


def own_page(api: ApiAtHand) -> dict[str, str]:
    """What our own page sends with a change."""
    return {"Origin": api.url, "X-Osago-Console": "1", "Sec-Fetch-Site": "same-origin"}


@asynccontextmanager
async def operator(
    world: World, api: ApiAtHand, scope: str = LOOK, *, subject: str = "night-shift"
) -> AsyncGenerator[httpx.AsyncClient, None]:
    """A browser that is signed in; it sends what our own page sends."""
    async with browser(api) as http:
        answer = await sign_in(http, api, world.token(subject, scope))
        assert answer.status_code == 200, answer.text
        yield http


@asynccontextmanager
async def browser(api: ApiAtHand) -> AsyncGenerator[httpx.AsyncClient, None]:
    """A browser with a page of ours open, not signed in."""
    async with plain_http(base_url=f"{api.url}/operator", headers=own_page(api)) as http:
        yield http


async def sign_in(
    http: httpx.AsyncClient, api: ApiAtHand, token: str, headers: Mapping[str, Any] | None = None
) -> httpx.Response:
    """Exchanges a token for the cookie."""
    return await http.post("api/session", json={"token": token}, headers=own_page(api) if headers is None else headers)
