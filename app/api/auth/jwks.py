"""The identity provider's public keys, from a file or a URL, kept fresh. The keys read last stay while it is away."""

import asyncio
import http.client
import time
from collections.abc import Callable, Sequence
from io import BufferedIOBase
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, build_opener

import jwt
import msgspec
import structlog

from app.api.auth.keyring import Keyring, key_set, usable_keys
from app.domain.errors import WrongSetting
from app.runtime.cancellation import raise_if_cancelled

log: Final = structlog.get_logger(__name__)

FRESH_S: Final = 60.0
BYTES_MAX: Final = 256 * 1024
READ_S_MAX: Final = 5.0
"""For a whole answer; a silent connection ends after half of it."""
APART_S: Final = 5.0
"""Tokens with an unknown `kid` have the keys read again, but not more often than this."""
_LOCAL: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_UNREADABLE: Final = (OSError, http.client.HTTPException, jwt.PyJWTError, ValueError, RecursionError)


class Jwks:
    """Its `run` is a task of the API. `changed` is called when keys have come or gone."""

    def __init__(self, source: str, keyring: Keyring, changed: Callable[[], None]) -> None:
        self._source = source
        self._keyring = keyring
        self._changed = changed
        self._wanted = asyncio.Event()
        self._client = _BoundedClient(source, timeout=READ_S_MAX / 2) if is_url(source) else None

    def want(self) -> None:
        """A token names a key that is not known: it may be a new one."""
        self._wanted.set()

    async def run(self) -> None:
        while True:
            raise_if_cancelled()
            await self.refresh()
            await asyncio.sleep(APART_S)
            try:
                async with asyncio.timeout(FRESH_S - APART_S):
                    await self._wanted.wait()
            except TimeoutError:
                pass
            self._wanted.clear()

    async def refresh(self) -> None:
        """Reads the keys; while they are unreadable, the ones before stay."""
        try:
            keys = usable_keys(await asyncio.to_thread(self._read))
        except _UNREADABLE as error:
            log.warning("jwks.unreadable", error=type(error).__name__)
            return
        if self._keyring.learn(keys):
            self._changed()
            log.info("jwks.read", keys=len(keys))

    def _read(self) -> Sequence[jwt.PyJWK]:
        return key_set(self._client.fetch_data()) if self._client else _read_file(Path(self._source))


class _BoundedClient(jwt.PyJWKClient):
    """PyJWT's client with a bound on the bytes of an answer and on its time."""

    def fetch_data(self) -> Any:
        ends_at_s = time.monotonic() + READ_S_MAX
        with build_opener(_NoRedirects).open(self.uri, timeout=self.timeout) as response:
            return _decode_bounded(response, ends_at_s)


class _NoRedirects(HTTPRedirectHandler):
    """A provider's keys come from the configured address alone."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


def check_source(source: str) -> None:
    """Whether keys can be read from there: a file must be a key set now, a URL only safe.

    Raises:
        WrongSetting: they cannot.
    """
    if is_url(source):
        url = urlsplit(source)
        if not url.hostname or "@" in url.netloc or not (url.scheme == "https" or url.hostname in _LOCAL):
            raise WrongSetting("OSAGO_JWKS: a URL must be https, or of this machine")
        return
    try:
        usable_keys(_read_file(Path(source)))
    except OSError as error:
        raise WrongSetting(f"OSAGO_JWKS: {source}: {error.strerror}") from None
    except _UNREADABLE as error:
        raise WrongSetting(f"OSAGO_JWKS: {source}: {error}") from None


def is_url(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def _read_file(file: Path) -> Sequence[jwt.PyJWK]:
    with file.open("rb") as opened:
        return key_set(_decode_bounded(opened, time.monotonic() + READ_S_MAX))


def _decode_bounded(source: BufferedIOBase, ends_at_s: float) -> Any:
    """The JSON of a source that ends within `BYTES_MAX` bytes.

    Raises:
        ValueError: it is longer, or no JSON.
        TimeoutError: it takes too long.
    """
    body = bytearray()
    while piece := source.read1(BYTES_MAX):
        body += piece
        if len(body) > BYTES_MAX:
            raise ValueError("the key set is too large")
        if time.monotonic() > ends_at_s:
            raise TimeoutError("the key set takes too long")
    return msgspec.json.decode(body)
