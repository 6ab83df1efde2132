"""core-app as a customer's browser meets it."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import httpx

KEY: Final = "0123456789abcdef"
SENT_MAX: Final = 30


async def submit(
    http: httpx.AsyncClient, url: str, application: Any, key: str = KEY, headers: Mapping[str, str] | None = None
) -> httpx.Response:
    """Sends it, and again with its key where core-app asks for that: on a busy machine its second is soon over."""
    for _ in range(SENT_MAX):
        answer = await submit_once(http, url, application, key, headers)
        if answer.status_code != 503:
            return answer
        await asyncio.sleep(float(answer.headers["Retry-After"]))
    raise AssertionError("never accepted")


async def submit_once(
    http: httpx.AsyncClient, url: str, application: Any, key: str = KEY, headers: Mapping[str, str] | None = None
) -> httpx.Response:
    body = {"application": application}
    return await http.post(f"{url}/applications", json=body, headers={"Idempotency-Key": key, **(headers or {})})
