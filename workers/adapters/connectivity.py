"""Checks an insurer and its settings by a harmless call; reports in words what was tried and what to mend.

The call asks for an application that does not exist: an insurer that says so is alive, speaks HTTP, and accepts the
credentials. A whole application is handed in only where that is asked for.
"""

import asyncio
import ssl
from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import aiohttp
from cryptography import x509

from app.config.insurers_file import InsurerSettings
from app.domain.application import Application
from app.domain.errors import (
    InsurerBusy,
    InsurerCredentials,
    InsurerError,
    InsurerProtocol,
    InsurerRejected,
    InsurerUnavailable,
    WrongSetting,
)
from app.domain.ids import uuid7
from app.runtime.clock import Clock
from workers.adapters.adapter import Adapter, InsurerAccess
from workers.adapters.containment import Containment, checked
from workers.adapters.registry import make_adapter
from workers.adapters.transport.insurer_http import InsurerHttp, Reply

UNKNOWN: Final = "osago-check"
EXPIRES_SOON: Final = timedelta(days=30)
_CALLS_MAX: Final = 4
"""An adapter that asks for a token, is refused, and asks once more makes four calls."""


@dataclass(frozen=True, slots=True)
class Finding:
    """How an insurer is; `key` is the one of insurers.toml to look at first."""

    is_well: bool
    summary: str
    key: str = ""


class _RecordingHttp(InsurerHttp):
    """Keeps what was asked last, and what came of it, in words."""

    def __init__(self, settings: InsurerSettings, clock: Clock) -> None:
        super().__init__(settings, clock)
        self._time = clock
        self.last: Reply | None = None
        self.asked = ""
        self.took_ms = 0.0

    async def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        reads: Container[int] = (),
    ) -> Reply:
        self.asked, self.last, began_at = f"{method} {path or '/'}", None, self._time.monotonic()
        try:
            self.last = reply = await super().send(method, path, headers=headers, content=content, reads=reads)
        finally:
            self.took_ms = (self._time.monotonic() - began_at) * 1000
        return reply

    @property
    def story(self) -> str:
        status = f" with {self.last.status}" if self.last else ""
        return f"answered {self.asked}{status} in {self.took_ms:.0f} ms" if self.asked else "nothing was asked"


async def check(settings: InsurerSettings, clock: Clock, application: Application | None = None) -> Finding:
    """Asks the insurer about an application that does not exist; hands in this one, where there is one.

    Every error of the adapter is a finding.

    Raises:
        WrongSetting: with these settings it cannot be called at all.
    """
    http = _RecordingHttp(settings, clock)
    try:
        async with asyncio.timeout(_CALLS_MAX * (settings.request_timeout + settings.connect_timeout)):
            finding = await _tried(settings, http, clock, application)
    except TimeoutError:
        finding = Finding(is_well=False, summary=f"the adapter does not come back ({http.asked})", key="adapter")
    finally:
        await http.close()
    return _expiring(settings, finding.summary) or finding if finding.is_well else finding


async def _tried(
    settings: InsurerSettings, http: _RecordingHttp, clock: Clock, application: Application | None
) -> Finding:
    sent = "no application sent" if application is None else "an application sent"
    try:
        adapter = _adapter(settings, http, clock)
        with Containment(settings.id, clock).around("check"):
            if application is not None:
                checked("create", await adapter.create(application, f"{uuid7(clock.now())}:{settings.id}"))
            elif adapter.abilities.polls:
                checked("poll", await adapter.poll(UNKNOWN))
            else:
                await http.send("GET", "")
    except InsurerError as error:
        return explain(settings, error, f"{http.story}, {sent}", http.last, is_create=application is not None)
    return _answered(http.last, f"{http.story}, {sent}")


def _adapter(settings: InsurerSettings, http: InsurerHttp, clock: Clock) -> Adapter:
    line = InsurerAccess(
        http=http, clock=clock, options=settings.options, callback_url=lambda _: "https://callback.invalid/"
    )
    try:
        return make_adapter(settings, line)
    except WrongSetting:
        raise
    except Exception as error:
        # Written by another house, perhaps: it is one insurer's, and the others are checked all the same.
        raise WrongSetting(f'adapter = "{settings.adapter}": cannot be made ({type(error).__name__})') from error


def _answered(reply: Reply | None, story: str) -> Finding:
    """A web page is no API, under any status; nor is a redirect, which no call follows."""
    if reply is not None and 300 <= reply.status < 400:  # noqa: PLR2004 - HTTP's own class
        return Finding(is_well=False, summary=f"it redirects, and is not followed: {story}", key="base_url")
    if reply is not None and "text/html" in reply.headers.get("content-type", "").lower():
        return Finding(is_well=False, summary=f"a web page is there: {story}", key="base_url")
    return Finding(is_well=True, summary=story)


def explain(  # noqa: PLR0911 - a table
    settings: InsurerSettings, error: InsurerError, story: str, last: Reply | None = None, *, is_create: bool = False
) -> Finding:
    """The finding about the settings after a failed call; `story` lists the calls, `last` is the last reply."""
    match error:
        case InsurerRejected() if is_create:
            return Finding(is_well=False, summary=f"the application is rejected ({error}): {story}")
        case InsurerRejected():
            return _answered(last, story)
        case InsurerBusy() if is_create:
            return Finding(is_well=False, summary=f"asks for patience, and has taken no application ({error}): {story}")
        case InsurerBusy():
            return Finding(is_well=True, summary=f"answers, and asks for patience ({error}): {story}")
        case InsurerCredentials(setting=setting):
            why = "is not accepted" if settings.token_env or setting else "is needed"
            return Finding(is_well=False, summary=f"a token {why} ({error}): {story}", key=setting or "token_env")
        case InsurerProtocol(__cause__=cause) if cause is not None and not isinstance(cause, aiohttp.ClientError):
            return Finding(is_well=False, summary=f"{error}: {story}", key="adapter")
        case InsurerProtocol():
            summary = f"what answers there does not speak {settings.adapter} ({error}): {story}"
            return Finding(is_well=False, summary=summary, key="base_url")
        case InsurerUnavailable(__cause__=None):
            return Finding(is_well=False, summary=f"is there, and out of order ({error}): {story}")
        case _:
            key, summary = _transport(settings, error.__cause__)
            return Finding(is_well=False, summary=summary, key=key)


def _transport(settings: InsurerSettings, cause: BaseException | None) -> tuple[str, str]:  # noqa: PLR0911 - a table
    """The key to look at, and what happened on the way."""
    match cause:
        case aiohttp.ClientHttpProxyError(status=status):
            return "proxy", f"the proxy refuses to connect (status {status})"
        case aiohttp.ClientProxyConnectionError():
            return "proxy", f"the proxy cannot be reached: {_reason(cause)}"
        case aiohttp.ClientConnectorDNSError():
            return "base_url", f"its name cannot be looked up: {_reason(cause)}"
        case aiohttp.ClientConnectorCertificateError(certificate_error=ssl.SSLCertVerificationError() as why):
            return "tls.ca_file", f"its certificate is not accepted: {why.verify_message}"
        case aiohttp.ClientSSLError():
            return "base_url", f"TLS fails: {_reason(cause)}"
        case aiohttp.ConnectionTimeoutError():
            return "base_url", f"the connection is not accepted within {settings.connect_timeout:g} s"
        case aiohttp.ClientConnectorError():
            return "base_url", f"the host cannot be reached: {_reason(cause)}"
        case TimeoutError():
            return "request_timeout", f"no answer within {settings.request_timeout:g} s"
        case _ if settings.base_url.scheme == "https" and not settings.tls.cert_file:
            return "tls.cert_file", "it breaks the connection: perhaps it wants a client certificate"
        case _:
            return "base_url", "it breaks the connection"


def _reason(error: aiohttp.ClientConnectorError) -> str:
    return error.os_error.strerror or str(error.os_error)


def _expiring(settings: InsurerSettings, story: str) -> Finding | None:
    """The warning about the client certificate, if it ends soon."""
    file = settings.tls.cert_file
    if file is None:
        return None
    until = x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc
    left = until - datetime.now(UTC)
    if left > EXPIRES_SOON:
        return None
    when = "has expired" if left < timedelta(0) else f"expires in {left.days} days"
    return Finding(is_well=left > timedelta(0), summary=f"our certificate {when}; {story}", key="tls.cert_file")
