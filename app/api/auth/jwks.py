"""The identity provider's public keys, from a file or a URL, kept fresh. What was read last stays while it is away."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import msgspec
import structlog

from app.api.auth.keyring import Keyring, parse_jwks
from app.domain.errors import WrongSetting
from app.runtime.cancellation import raise_if_cancelled

log: Final = structlog.get_logger(__name__)

FRESH_S: Final = 60.0
BYTES_MAX: Final = 256 * 1024
APART_S: Final = 5.0
"""Tokens with an unknown `kid` have the keys read again, but not more often than this."""
_LOCAL: Final = ("http://127.0.0.1", "http://localhost", "http://[::1]")


class Jwks:
    """Whoever owns it keeps `run` going. `changed` is called when keys have come or gone."""

    def __init__(self, source: str, keyring: Keyring, changed: Callable[[], None]) -> None:
        self._source = source
        self._keyring = keyring
        self._changed = changed
        self._wanted = asyncio.Event()
        self._download = _downloader() if is_url(source) else None

    def want(self) -> None:
        """Somebody has come with a key that is not known: it may be a new one."""
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
        """Reads the keys; if they cannot be had, the ones before stay."""
        try:
            keys = parse_jwks(msgspec.json.decode(await self._read()))
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            log.warning("jwks.unreadable", error=type(error).__name__)
            return
        if self._keyring.learn(keys):
            self._changed()
            log.info("jwks.read", keys=len(keys))

    async def _read(self) -> bytes:
        if self._download is None:
            return await asyncio.to_thread(_read_file, Path(self._source))
        return await self._download(self._source)


def check_source(source: str) -> None:
    """Whether keys can be read from there: a file must be a key set now, a URL only safe.

    Raises:
        WrongSetting: they cannot.
    """
    if is_url(source):
        if not source.startswith(("https://", *_LOCAL)):
            raise WrongSetting("OSAGO_JWKS: a URL must be https, or of this machine")
        return
    try:
        parse_jwks(msgspec.json.decode(_read_file(Path(source))))
    except OSError as error:
        raise WrongSetting(f"OSAGO_JWKS: {source}: {error.strerror}") from None
    except (ValueError, msgspec.MsgspecError) as error:
        raise WrongSetting(f"OSAGO_JWKS: {source}: {error}") from None


def _downloader() -> Callable[[str], Awaitable[bytes]]:
    from app.api.auth.jwks_download import download  # noqa: PLC0415 - slow to import, and few need it

    return download


def is_url(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def _read_file(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(BYTES_MAX)
