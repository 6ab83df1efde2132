"""Is an insurer there, and does it let us in? One harmless call, and in words what to mend where it fails.

What is asked for is an application that does not exist: whoever says so is alive, speaks HTTP, and knows us.
"""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import aiohttp
from cryptography import x509

from app.config.insurers_file import InsurerSettings
from app.domain.errors import (
    InsurerBusy,
    InsurerCredentials,
    InsurerError,
    InsurerProtocol,
    InsurerRejected,
    InsurerUnavailable,
)
from app.runtime.clock import Clock
from workers.adapters.adapter import Line
from workers.adapters.insurer_http import InsurerHttp
from workers.adapters.registry import make_adapter

UNKNOWN: Final = "osago-check"
EXPIRES_SOON: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Finding:
    """How an insurer is; `key` is the one of insurers.toml to look at first."""

    is_well: bool
    told: str
    key: str = ""


async def check(settings: InsurerSettings, clock: Clock) -> Finding:
    """Calls the insurer once.

    Raises:
        WrongSetting: with these settings it cannot be called at all.
    """
    http = InsurerHttp(settings, clock)
    try:
        line = Line(http=http, clock=clock, options=settings.options, callback_url=lambda _: "")  # nobody is called
        adapter = make_adapter(settings, line)
        if adapter.abilities.polls:
            await adapter.poll(UNKNOWN)
        else:
            await http.send("GET", "")
    except InsurerError as error:
        finding = explain(settings, error)
    else:
        finding = Finding(is_well=True, told="answers")
    finally:
        await http.close()
    return _expiring(settings) or finding if finding.is_well else finding


def explain(settings: InsurerSettings, error: InsurerError) -> Finding:
    """What a failed call says about the settings."""
    match error:
        case InsurerRejected():
            return Finding(is_well=True, told="answers")
        case InsurerBusy():
            return Finding(is_well=True, told="answers, and asks for patience (429)")
        case InsurerCredentials():
            why = "is not accepted" if settings.token_env else "is needed"
            return Finding(is_well=False, told=f"a token {why} ({error})", key="token_env")
        case InsurerProtocol():
            told = f"what answers there does not speak {settings.adapter} ({error})"
            return Finding(is_well=False, told=told, key="base_url")
        case InsurerUnavailable(__cause__=None):
            return Finding(is_well=False, told=f"is there, and out of order ({error})")
        case _:
            key, told = _transport(settings, error.__cause__)
            return Finding(is_well=False, told=told, key=key)


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
            return "base_url", f"nobody takes the connection within {settings.connect_timeout:g} s"
        case aiohttp.ClientConnectorError():
            return "base_url", f"nobody can be reached there: {_reason(cause)}"
        case TimeoutError():
            return "request_timeout", f"no answer within {settings.request_timeout:g} s"
        case _ if settings.base_url.scheme == "https" and not settings.tls.cert_file:
            return "tls.cert_file", "it breaks the connection: perhaps it wants a client certificate"
        case _:
            return "base_url", "it breaks the connection"


def _reason(error: aiohttp.ClientConnectorError) -> str:
    return error.os_error.strerror or str(error.os_error)


def _expiring(settings: InsurerSettings) -> Finding | None:
    """What is to be said about our own certificate."""
    file = settings.tls.cert_file
    if file is None:
        return None
    until = x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc
    left = until - datetime.now(UTC)
    if left > EXPIRES_SOON:
        return None
    when = "has expired" if left < timedelta(0) else f"expires in {left.days} days"
    return Finding(is_well=left > timedelta(0), told=f"answers, but our certificate {when}", key="tls.cert_file")
