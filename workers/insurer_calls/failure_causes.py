"""Why a call to an insurer failed: one word for the metric, and one that may name the status for the log."""

import ssl
from typing import Final

import aiohttp

from app.domain.errors import (
    InsurerBusy,
    InsurerCredentials,
    InsurerError,
    InsurerProtocol,
    InsurerRejected,
    InsurerUnavailable,
)

OK: Final = ""
"""The label of a call that went well."""
CREDENTIALS: Final = "credentials"

_BY_CLASS: Final[tuple[tuple[type[InsurerError], str], ...]] = (
    (InsurerCredentials, CREDENTIALS),
    (InsurerBusy, "busy"),
    (InsurerRejected, "4xx"),
    (InsurerProtocol, "protocol"),
)
_BY_CAUSE: Final[tuple[tuple[type[BaseException], str], ...]] = (
    # From the special to the general: aiohttp's errors derive from one another, and some from OSError and TimeoutError.
    (aiohttp.ClientConnectorDNSError, "dns"),
    (aiohttp.ClientConnectorCertificateError, "tls"),
    (aiohttp.ClientSSLError, "tls"),
    (ssl.SSLError, "tls"),
    (aiohttp.ClientProxyConnectionError, "proxy"),
    (aiohttp.ClientHttpProxyError, "proxy"),
    (aiohttp.ConnectionTimeoutError, "timeout_connect"),
    (TimeoutError, "timeout_read"),
    (ConnectionRefusedError, "refused"),
    (ConnectionResetError, "reset"),
    (BrokenPipeError, "reset"),
    (aiohttp.ClientConnectorError, "unreachable"),
    (aiohttp.ClientConnectionError, "reset"),
    (aiohttp.ClientPayloadError, "reset"),
)
WHYS: Final = tuple(dict.fromkeys([*(word for _, word in (*_BY_CLASS, *_BY_CAUSE)), "5xx", "408", "425", "other"]))
"""Every cause that the label has."""
USUAL_RESULTS: Final = (
    ("ok", OK),
    *((kind.__name__, word) for kind, word in _BY_CLASS),
    *((InsurerUnavailable.__name__, word) for word in ("timeout_connect", "timeout_read", "refused", "reset", "5xx")),
)
"""Results of a call with their causes, as the metric's labels have them."""
_SERVER_ERROR: Final = 500


def why_of(error: InsurerError) -> str:
    """The cause as the metric's label has it."""
    for kind, word in _BY_CLASS:
        if isinstance(error, kind):
            return word
    if error.status is not None:
        return "5xx" if error.status >= _SERVER_ERROR else str(error.status)
    if isinstance(error, InsurerUnavailable) and error.__cause__ is None:
        return "5xx"  # a fault in a body, where the dialect writes them there
    return _transport(error.__cause__)


def detail_of(error: InsurerError) -> str:
    """The same for the log: the status where there is one."""
    return why_of(error) if error.status is None else str(error.status)


def _transport(cause: BaseException | None) -> str:
    if isinstance(cause, aiohttp.ClientConnectorError) and isinstance(cause.os_error, ConnectionRefusedError):
        return "proxy" if isinstance(cause, aiohttp.ClientProxyConnectionError) else "refused"
    return next((word for kind, word in _BY_CAUSE if isinstance(cause, kind)), "other")
