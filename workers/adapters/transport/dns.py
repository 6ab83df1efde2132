"""Looking up one insurer's host name, with a limit on the wait, and so that it keeps no other insurer waiting.

getaddrinfo blocks a thread, and cannot be ended. In a pool that all insurers share a few dead name servers would take
every thread; so each insurer has one thread at most, all calls that wait share it, and closing does not wait for its end.
"""

import asyncio
import errno
import socket
import threading
from typing import Any, Final

from aiohttp.abc import AbstractResolver, ResolveResult

Key = tuple[str, int, socket.AddressFamily]

_NUMERIC: Final = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV


class DnsResolver(AbstractResolver):
    """The resolver of one insurer's connections. aiohttp keeps what it finds for ten seconds."""

    def __init__(self, *, seconds: float) -> None:
        self._seconds = seconds
        self._under_way: dict[Key, asyncio.Future[list[ResolveResult]]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Its addresses.

        Raises:
            OSError: there are none, or they were not found in time.
        """
        key = host, port, family
        found = self._under_way.get(key)
        if found is None:
            found = self._under_way[key] = _look_up(key)
            found.add_done_callback(lambda _: self._under_way.pop(key, None))
        try:
            async with asyncio.timeout(self._seconds):
                return await asyncio.shield(found)
        except TimeoutError:
            raise OSError(errno.ETIMEDOUT, f"no answer from the name servers within {self._seconds:g} s") from None

    async def close(self) -> None:
        """Closing does not wait for a name server that does not answer."""


def _look_up(key: Key) -> asyncio.Future[list[ResolveResult]]:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[list[ResolveResult]] = loop.create_future()

    def settle(found: list[ResolveResult] | OSError) -> None:
        if isinstance(found, OSError):
            future.set_exception(found)
            future.exception()  # a call that gave up waiting needs no error
        else:
            future.set_result(found)

    def run() -> None:
        host, port, family = key
        try:
            infos = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
            found: list[ResolveResult] | OSError = [_result(host, port, info) for info in infos]
        except OSError as error:
            found = error
        except UnicodeError as error:
            found = OSError(errno.EINVAL, f"no host name: {error}")
        try:
            loop.call_soon_threadsafe(settle, found)
        except RuntimeError:
            return  # the process has ended meanwhile

    threading.Thread(target=run, name=f"names of {key[0]}", daemon=True).start()
    return future


def _result(host: str, port: int, info: Any) -> ResolveResult:
    family, _, proto, _, address = info
    return ResolveResult(hostname=host, host=address[0], port=port, family=family, proto=proto, flags=_NUMERIC)
