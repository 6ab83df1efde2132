"""Fetching a key set over HTTP. Apart, for httpx is slow to import and few need it."""

import asyncio
from typing import Final

import httpx

from app.api.auth.jwks import BYTES_MAX

FETCH_S_MAX: Final = 5.0


async def download(url: str) -> bytes:
    """The body.

    Raises:
        OSError: it cannot be had; TimeoutError among them.
        ValueError: it is too large.
    """
    body = bytearray()
    try:
        async with (
            asyncio.timeout(FETCH_S_MAX),
            httpx.AsyncClient(timeout=FETCH_S_MAX, follow_redirects=False) as http,
            http.stream("GET", url) as response,
        ):
            response.raise_for_status()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > BYTES_MAX:
                    raise ValueError("the key set is too large")
    except httpx.HTTPError as error:
        raise ConnectionError(type(error).__name__) from error
    return bytes(body)
