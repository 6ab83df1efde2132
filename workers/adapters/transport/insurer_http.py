"""Calls to one insurer: limits on time and size around them, and a class for each way to fail.

The connections are aiohttp's; docs/adr/0007 has the reasons, with figures.
"""

import os
import zlib
from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

import aiohttp
from aiohttp.http_exceptions import ContentEncodingError
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from app.config.insurers_file import InsurerSettings, WrongInsurer
from app.domain.errors import (
    InsurerBusy,
    InsurerCredentials,
    InsurerError,
    InsurerProtocol,
    InsurerRejected,
    InsurerUnavailable,
)
from app.observability.tracing.spans import CURRENT, Span, SpanRole, working_in
from app.runtime.clock import Clock
from workers.adapters.transport.call_timeout import CallTimeout
from workers.adapters.transport.certificate_expiry import note_client_certificate, note_server_certificate
from workers.adapters.transport.dns import DnsResolver
from workers.adapters.transport.exchange_connector import ExchangeConnector, ExchangeRefused
from workers.adapters.transport.retry_after import retry_after_s
from workers.adapters.transport.tls import tls_context

BODY_BYTES_MAX: Final = 1024 * 1024
_IDLE_S_MAX: Final = 15.0
"""Servers close idle connections too: the longer one is kept, the likelier it is closed in the moment of its use."""
_BUSY: Final = 429
_AGAIN: Final = frozenset({408, 425})
_CREDENTIALS: Final = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class Reply:
    """An insurer's response. `headers` are found by name in any case; `getall` finds one that stands several times."""

    status: int
    body: bytes = field(repr=False)
    headers: CIMultiDictProxy[str] = field(default_factory=lambda: CIMultiDictProxy(CIMultiDict[str]()), repr=False)
    retry_after_s: float | None = None
    """The wait that `Retry-After` asks for; None if it is missing, or cannot be read."""

    def expect(self, *statuses: int) -> "Reply":
        """This reply, if its status is one of these.

        Raises:
            InsurerUnavailable: it is 5xx, 408 or 425.
            InsurerBusy: it is 429.
            InsurerCredentials: it is 401 or 403.
            InsurerRejected: it is another 4xx.
            InsurerProtocol: it is something else.
        """
        if self.status in statuses:
            return self
        raise self.fault() or InsurerProtocol(f"status {self.status}")

    def fault(self) -> InsurerError | None:
        """The error that the status alone means; None below 400."""
        error = self._error()
        if error is not None:
            error.status = self.status
        return error

    def _error(self) -> InsurerError | None:
        what = f"status {self.status}"
        if self.status == _BUSY:
            return InsurerBusy(what, self.retry_after_s)
        if self.status >= 500 or self.status in _AGAIN:  # noqa: PLR2004 - HTTP's own classes
            return InsurerUnavailable(what, self.retry_after_s)
        if self.status in _CREDENTIALS:
            return InsurerCredentials(what)
        return InsurerRejected(what) if self.status >= 400 else None  # noqa: PLR2004 - HTTP's own classes


class InsurerHttp:
    """One insurer's base URL, token and connections."""

    def __init__(self, settings: InsurerSettings, clock: Clock) -> None:
        self._clock = clock
        self._base = str(settings.base_url).rstrip("/") + "/"
        self._names = DnsResolver(seconds=settings.connect_timeout)
        self._options: dict[str, Any] = {"allow_redirects": False}
        self._proxy_headers = _proxy_headers(settings)
        if settings.proxy is not None:
            self._options |= {"proxy": str(settings.proxy), "proxy_headers": self._proxy_headers}
        self._settings = settings
        self._headers = _headers(settings)
        self._tls = tls_context(settings)
        if settings.tls.cert_file:
            note_client_certificate(settings.id, settings.tls.cert_file)
        self._opened: aiohttp.ClientSession | None = None

    @property
    def _session(self) -> aiohttp.ClientSession:
        """Opened by the first call, so that wrong settings leave nothing to close."""
        if self._opened is None:
            settings = self._settings
            self._opened = aiohttp.ClientSession(
                headers=self._headers,
                connector=ExchangeConnector(
                    limit=settings.max_in_flight,
                    keepalive_timeout=_IDLE_S_MAX,
                    resolver=self._names,
                    ssl=self._tls,
                    on_certificate=partial(note_server_certificate, settings.id),
                ),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=settings.connect_timeout),  # `CallTimeout` is
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
        reads: Container[int] = (),
    ) -> Reply:
        """Makes one call. A path begins at the base URL; a whole URL is called as it is.

        `reads` are the statuses of errors with a body that the adapter reads, as `range(500, 600)`: they are
        returned and not raised. Where the body says nothing after all, `Reply.expect` raises what the status says.

        Raises:
            InsurerUnavailable: transport, time-out, 5xx, 408, 425.
            InsurerBusy: 429.
            InsurerCredentials: 401, 403.
            InsurerProtocol: more than one exchange can be, or no HTTP.
        """
        absolute = path.startswith(("https://", "http://"))
        url = URL(path if absolute else self._base + path, encoded=True)
        if self._proxy_headers and url.scheme == "http":  # no tunnel: the proxy reads the request itself
            headers = {**(headers or {}), **self._proxy_headers}
        span = CURRENT.get()
        if span is None:
            reply = await self._call(method, url, headers, content)
        else:
            reply = await self._traced_call(span, method, url, headers, content)
        fault = None if reply.status in reads else reply.fault()
        if fault is None or isinstance(fault, InsurerRejected):  # which 4xx is an answer is known to the adapter alone
            return reply
        raise fault

    async def _traced_call(
        self, parent: Span, method: str, url: URL, headers: Mapping[str, str] | None, content: bytes | None
    ) -> Reply:
        """Without path and query: insurers put there what they like."""
        attributes = {
            "http.request.method": method,
            "server.address": url.host or "",
            "server.port": url.port or 0,
            "url.scheme": url.scheme,
            "osago.insurer": self._settings.id,
        }
        with working_in(parent.child(method, SpanRole.CLIENT, attributes)) as span:
            if self._settings.trace_context:
                headers = {**(headers or {}), "traceparent": span.context.traceparent}
            reply = await self._call(method, url, headers, content)
            span.set("http.response.status_code", reply.status)
            if reply.status >= 400:  # noqa: PLR2004 - HTTP's own classes
                span.fail(str(reply.status))
            return reply

    async def _call(self, method: str, url: URL, headers: Mapping[str, str] | None, content: bytes | None) -> Reply:
        """The response; without its body where that cannot be read, and the status of an error says enough."""
        head: Reply | None = None
        try:
            # The whole call, its last byte included: drips do not prolong it.
            async with (
                CallTimeout(self._settings.request_timeout),
                self._session.request(method, url, headers=headers, data=content, **self._options) as response,
            ):
                wait_s = retry_after_s(response.headers.get("retry-after"), self._clock.now())
                head = Reply(response.status, b"", response.headers, wait_s)
                return replace(head, body=await _body(response))
        except (aiohttp.ClientError, InsurerProtocol, TimeoutError, OSError) as error:
            if head is not None and _says_enough(head, error):
                return head
            if isinstance(error, InsurerProtocol):
                raise
            kind = InsurerProtocol if _is_unintelligible(error) else InsurerUnavailable
            raise kind(type(error).__name__) from error

    async def close(self) -> None:
        if self._opened is not None:
            await self._opened.close()


def _is_unintelligible(error: Exception) -> bool:
    """Whether the response is too large, no HTTP, or not compressed as it says. One that broke off may come whole next time."""
    if isinstance(error, aiohttp.ClientPayloadError):
        return isinstance(error.__cause__, ContentEncodingError)
    if isinstance(error, ExchangeRefused | InsurerProtocol):
        return True
    return isinstance(error, aiohttp.ClientResponseError) and not isinstance(error, aiohttp.ClientHttpProxyError)


def _says_enough(head: Reply, error: Exception) -> bool:
    """Whether the status counts without the body. A refusal that broke off may come whole next time."""
    fault = head.fault()
    return fault is not None and (not isinstance(fault, InsurerRejected) or _is_unintelligible(error))


async def _body(response: aiohttp.ClientResponse) -> bytes:
    """All of it, decompressed; what is too large is left where it is, and its connection closed."""
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > BODY_BYTES_MAX:
            response.close()
            raise InsurerProtocol(f"more than {BODY_BYTES_MAX} bytes")
    body = parts[0] if len(parts) == 1 else b"".join(parts)
    # A name of gzip that aiohttp does not know.
    return _unzipped(body) if response.headers.get("content-encoding", "").lower() == "x-gzip" else body


def _unzipped(body: bytes) -> bytes:
    unzip = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        found = unzip.decompress(body, BODY_BYTES_MAX)
    except zlib.error:
        raise InsurerProtocol("not compressed as it says") from None
    if not unzip.eof:
        raise InsurerProtocol(f"broken off, or more than {BODY_BYTES_MAX} bytes")
    return found


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
