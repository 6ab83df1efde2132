"""Calls to one insurer: limits on time and size around them, and a class for each way to fail."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx
from httpx_aiohttp import AiohttpTransport

from app.clock import Clock
from app.domain.errors import (
    InsurerBusy,
    InsurerCredentials,
    InsurerProtocol,
    InsurerRejected,
    InsurerUnavailable,
    WrongSetting,
)
from app.insurers import InsurerSettings

BODY_BYTES_MOST: Final = 1024 * 1024
CONNECT_S_MOST: Final = 2.0
_BUSY: Final = 429
_AGAIN: Final = frozenset({408, 425})
_CREDENTIALS: Final = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class Reply:
    """What an insurer answered: neither a breakdown, nor a refusal of our credentials."""

    status: int
    body: bytes

    def expect(self, *statuses: int) -> "Reply":
        """This reply, if its status is one of these.

        Raises:
            InsurerRejected: it is another 4xx.
            InsurerProtocol: it is something else.
        """
        if self.status in statuses:
            return self
        if 400 <= self.status < 500:  # noqa: PLR2004 - HTTP's own classes
            raise InsurerRejected(f"status {self.status}")
        raise InsurerProtocol(f"status {self.status}")


class InsurerHttp:
    """One insurer's base URL, token and connections."""

    def __init__(self, settings: InsurerSettings, clock: Clock) -> None:
        self._clock = clock
        self._client = httpx.AsyncClient(
            base_url=str(settings.base_url).rstrip("/") + "/",
            headers=_authorization(settings),
            timeout=httpx.Timeout(settings.request_timeout, connect=min(CONNECT_S_MOST, settings.request_timeout)),
            transport=AiohttpTransport(limits=httpx.Limits(max_connections=settings.max_in_flight)),
            follow_redirects=False,
        )

    async def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Reply:
        """One call.

        Raises:
            InsurerUnavailable: transport, time-out, 5xx, 408, 425.
            InsurerBusy: 429.
            InsurerCredentials: 401, 403.
            InsurerProtocol: the body is too large.
        """
        try:
            async with self._client.stream(method, path, headers=headers, content=content) as response:
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > BODY_BYTES_MOST:
                        raise InsurerProtocol(f"more than {BODY_BYTES_MOST} bytes")
        except httpx.DecodingError as error:
            raise InsurerProtocol(type(error).__name__) from error
        except (httpx.TransportError, OSError) as error:
            raise InsurerUnavailable(type(error).__name__) from error
        return _sorted_out(response.status_code, response.headers, bytes(body), self._clock.now())

    async def close(self) -> None:
        await self._client.aclose()


def _sorted_out(status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> Reply:
    retry_after = headers.get("retry-after")
    if status == _BUSY:
        raise InsurerBusy(f"status {status}", retry_after_s(retry_after, now))
    if status >= 500 or status in _AGAIN:  # noqa: PLR2004 - HTTP's own classes
        raise InsurerUnavailable(f"status {status}", retry_after_s(retry_after, now))
    if status in _CREDENTIALS:
        raise InsurerCredentials(f"status {status}")
    return Reply(status, body)


def retry_after_s(text: str | None, now: datetime) -> float | None:
    """Seconds out of a Retry-After header, a number or a date; None if there is none, or none that can be read."""
    if text is None:
        return None
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())


def _authorization(settings: InsurerSettings) -> dict[str, str]:
    if settings.token_env is None:
        return {}
    token = os.environ.get(settings.token_env)
    if not token:
        raise WrongSetting(f"{settings.token_env}: insurer {settings.id} needs this variable (token_env)")
    return {"Authorization": f"Bearer {token}"}
