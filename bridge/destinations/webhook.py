"""Webhooks as Standard Webhooks has them: signed, to public addresses over TLS, without redirects, with limits of time and size."""

import base64
import binascii
import ipaddress
import socket
from datetime import UTC, datetime
from ssl import SSLContext, create_default_context
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from standardwebhooks import Webhook

from app.domain.errors import RETRY_AFTER_S_MAX, WrongSetting
from app.runtime.clock import Clock
from bridge.bridge_file import SECRETS_MAX, WebhookSettings
from bridge.cloud_event import CONTENT_TYPE, CloudEvent
from bridge.destinations.destination import DestinationAway, EventNotTaken

ANSWER_BYTES_MAX: Final = 16 * 1024
"""The bytes of an answer's body; a longer one is not read, and its connection is closed."""
SECRET_BYTES_MIN: Final = 24
_CONNECT_S_MAX: Final = 5.0
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_LEADING_INSIDE: Final = tuple(map(ipaddress.ip_network, ("::/96", "::ffff:0:0:0/96", "64:ff9b:1::/48")))
"""Forms of IPv4 addresses that are not used any more, or only within one's own network (RFC 4291, 8215)."""
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class ForbiddenAddress(OSError):
    """A name has led to an address that may not be called."""


class AddressGuard:
    """Which addresses may be called. It is asked for the very address that a socket is opened to, so that no second look-up can change it."""

    def __init__(self, settings: WebhookSettings) -> None:
        self._allowed = [ipaddress.ip_network(network) for network in settings.allow_private]
        self._only_allowed = urlsplit(settings.url).scheme == "http"

    def open_socket(self, address_info: Any) -> socket.socket:
        """A socket for this result of getaddrinfo.

        Raises:
            ForbiddenAddress: it may not be called.
        """
        family, kind, protocol, _, address = address_info
        if not self.allows(address[0]):
            raise ForbiddenAddress(f"{address[0]} is not public, and not in allow_private")
        return socket.socket(family, kind, protocol)

    def allows(self, text: str) -> bool:
        """Whether this numeric address may be called: a public one over https, any in `allow_private`."""
        address = _inner(ipaddress.ip_address(text.partition("%")[0]))
        if any(address in network for network in self._allowed):
            return True
        return not self._only_allowed and address.is_global and not address.is_multicast and not _is_inner(address)


def _is_inner(address: Address) -> bool:
    """Whether it leads into a network of one's own, though Python calls it global."""
    return isinstance(address, ipaddress.IPv6Address) and (
        address.is_site_local or any(address in network for network in _LEADING_INSIDE)
    )


def _inner(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one that leads to it."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
    if inner is None and address in _NAT64:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address


class WebhookDestination:
    """Calls one URL with each event."""

    def __init__(self, settings: WebhookSettings, clock: Clock) -> None:
        """Raises WrongSetting where a secret is missing or none."""
        self._settings = settings
        self._clock = clock
        self._signers = signers_of(settings)
        self._guard = AddressGuard(settings)
        self._session: aiohttp.ClientSession | None = None

    async def send(self, event: CloudEvent) -> None:
        """Any answer of 200 to 299 takes it."""
        try:
            async with self._opened().post(
                self._settings.url, data=event.document, headers=self._headers(event), allow_redirects=False
            ) as answer:
                status, retry_after_s = answer.status, _seconds(answer.headers.get("Retry-After", ""))
                await answer.content.read(ANSWER_BYTES_MAX)
        except TimeoutError:
            raise EventNotTaken("no answer in time") from None
        except aiohttp.ClientConnectorError as error:
            raise DestinationAway(_why(error)) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise EventNotTaken(f"no answer: {type(error).__name__}") from error
        if not 200 <= status < 300:  # noqa: PLR2004 - as HTTP has them
            raise EventNotTaken(f"answered {status}", retry_after_s)

    async def close(self) -> None:
        if self._session:
            await self._session.close()

    def _headers(self, event: CloudEvent) -> dict[str, str]:
        now = datetime.fromtimestamp(int(self._clock.unix_s()), UTC)
        body = event.document.decode()
        return {
            "Content-Type": CONTENT_TYPE,
            "User-Agent": "osago-bridge",
            "webhook-id": event.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signer.sign(event.id, now, body) for signer in self._signers),
        }

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            connector = aiohttp.TCPConnector(
                limit=self._settings.in_flight, ssl=_tls(), socket_factory=self._guard.open_socket
            )
            seconds = self._settings.timeout
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(total=seconds, sock_connect=min(seconds, _CONNECT_S_MAX)),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._session


def signers_of(settings: WebhookSettings) -> list[Webhook]:
    """A signer for each secret.

    Raises:
        WrongSetting: a secret is none; the text does not hold it.
    """
    texts = [text.strip() for text in settings.secret(settings.secrets_env).split(",")]
    secrets = [_secret(text) for text in texts]
    if len(texts) > SECRETS_MAX or not all(len(secret) >= SECRET_BYTES_MIN for secret in secrets):
        raise WrongSetting(
            f"{settings.secrets_env}: expected 1 to {SECRETS_MAX} secrets, whsec_ and base64 of at least "
            f"{SECRET_BYTES_MIN} bytes each, separated by commas"
        )
    return [Webhook(secret) for secret in secrets]


def _secret(text: str) -> bytes:
    """Empty where it is none."""
    kind, _, encoded = text.partition("_")
    try:
        return base64.b64decode(encoded, validate=True) if kind == "whsec" else b""
    except binascii.Error:
        return b""


def _tls() -> SSLContext:
    return create_default_context()


def _seconds(text: str) -> float | None:
    """The seconds of a Retry-After; one with a date is left to the backoff."""
    return min(float(text), RETRY_AFTER_S_MAX) if text.isascii() and text.isdecimal() and len(text) < 10 else None  # noqa: PLR2004


def _why(error: aiohttp.ClientConnectorError) -> str:
    cause = error.os_error
    return str(cause) if isinstance(cause, ForbiddenAddress) else f"cannot connect: {type(cause).__name__}"
