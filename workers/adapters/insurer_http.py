"""Calls to one insurer: limits on time and size around them, and a class for each way to fail.

The connections are aiohttp's; docs/adr/0007 tells why, with figures.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import aiohttp
from aiohttp.http_exceptions import ContentEncodingError
from yarl import URL

from app.config.insurers_file import InsurerSettings, WrongInsurer
from app.domain.errors import (
    InsurerBusy,
    InsurerCredentials,
    InsurerProtocol,
    InsurerRejected,
    InsurerUnavailable,
)
from app.runtime.clock import Clock
from workers.adapters.dns import Names
from workers.adapters.tls import tls_context

BODY_BYTES_MOST: Final = 1024 * 1024
_IDLE_S_MOST: Final = 15.0
"""Servers close idle connections too: the longer one is kept, the likelier it is closed in the moment of its use."""
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
        self._base = str(settings.base_url).rstrip("/") + "/"
        self._names = Names(seconds=settings.connect_timeout)
        self._options: dict[str, Any] = {"allow_redirects": False}
        self._proxy_headers = _proxy_headers(settings)
        if settings.proxy is not None:
            self._options |= {"proxy": str(settings.proxy), "proxy_headers": self._proxy_headers}
        self._settings = settings
        self._headers = _headers(settings)
        self._tls = tls_context(settings)
        self._opened: aiohttp.ClientSession | None = None

    @property
    def _session(self) -> aiohttp.ClientSession:
        """Opened by the first call: whoever finds wrong settings has nothing to close."""
        if self._opened is None:
            settings = self._settings
            self._opened = aiohttp.ClientSession(
                headers=self._headers,
                connector=aiohttp.TCPConnector(
                    limit=settings.max_in_flight,
                    keepalive_timeout=_IDLE_S_MOST,
                    resolver=self._names,
                    ssl=self._tls,
                ),
                # `total` is the whole call, its last byte included: drips do not prolong it.
                timeout=aiohttp.ClientTimeout(total=settings.request_timeout, sock_connect=settings.connect_timeout),
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("User-Agent", "Content-Type"),
                trust_env=False,
            )
        return self._opened

    async def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Reply:
        """One call. A path begins at the base URL; a whole URL is called as it is.

        Raises:
            InsurerUnavailable: transport, time-out, 5xx, 408, 425.
            InsurerBusy: 429.
            InsurerCredentials: 401, 403.
            InsurerProtocol: the body is too large, or no HTTP.
        """
        absolute = path.startswith(("https://", "http://"))
        url = URL(path if absolute else self._base + path, encoded=True)
        if self._proxy_headers and url.scheme == "http":  # no tunnel: the proxy reads the request itself
            headers = {**(headers or {}), **self._proxy_headers}
        try:
            async with self._session.request(method, url, headers=headers, data=content, **self._options) as response:
                return _sorted_out(response.status, response.headers, await _body(response), self._clock.now())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            kind = InsurerProtocol if _is_unintelligible(error) else InsurerUnavailable
            raise kind(type(error).__name__) from error

    async def close(self) -> None:
        if self._opened is not None:
            await self._opened.close()


def _is_unintelligible(error: Exception) -> bool:
    """What came is no HTTP, or is not compressed as it says. What broke off may come whole the next time."""
    if isinstance(error, aiohttp.ClientPayloadError):
        return isinstance(error.__cause__, ContentEncodingError)
    return isinstance(error, aiohttp.ClientResponseError) and not isinstance(error, aiohttp.ClientHttpProxyError)


async def _body(response: aiohttp.ClientResponse) -> bytes:
    """All of it, decompressed; what is too large is left where it is, and its connection closed."""
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > BODY_BYTES_MOST:
            response.close()
            raise InsurerProtocol(f"more than {BODY_BYTES_MOST} bytes")
    return parts[0] if len(parts) == 1 else b"".join(parts)


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


def _headers(settings: InsurerSettings) -> dict[str, str]:
    headers = {"User-Agent": "osago-aggregator"}
    if settings.token_env is not None:
        headers["Authorization"] = f"Bearer {_variable(settings, 'token_env', settings.token_env)}"
    return headers


def _proxy_headers(settings: InsurerSettings) -> dict[str, str]:
    if settings.proxy_auth_env is None:
        return {}
    user, _, password = _variable(settings, "proxy_auth_env", settings.proxy_auth_env).partition(":")
    return {"Proxy-Authorization": aiohttp.encode_basic_auth(user, password)}


def _variable(settings: InsurerSettings, key: str, name: str) -> str:
    """Raises `WrongInsurer` where the environment does not have it."""
    value = os.environ.get(name)
    if not value:
        raise WrongInsurer(settings.id, key, f"the environment variable {name} is not set")
    return value
