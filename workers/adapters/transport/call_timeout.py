"""The moment in which a request is written to an insurer: a gate before it, and a time-out that does not count stalls of this process.

A connection may take long to be made, and a process may be frozen. The gate is asked when the connection is there, and the
next step writes the request: what was allowed long before, for another moment, is not sent all at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Final

import aiohttp
from aiohttp.connector import Connection

Gate = Callable[[], Awaitable[None]]
"""Returns when a request may be written, at once or in a while."""

STALL_S_MIN: Final = 0.02
"""A timer that is so late shows that this process did not run."""

_GATE: ContextVar[Gate | None] = ContextVar("gate", default=None)
_CALL: ContextVar["CallTimeout | None"] = ContextVar("call", default=None)


@contextmanager
def gated(gate: Gate) -> Generator[None, None, None]:
    """Every request of the block, and of tasks that begin in it, asks the gate before it is written."""
    token = _GATE.set(gate)
    try:
        yield
    finally:
        _GATE.reset(token)


class GatedConnector(aiohttp.TCPConnector):
    """Hands a connection out when the gate of its request is open."""

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Any], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        gate = _GATE.get()
        while True:
            connection = await super().connect(req, traces, timeout)
            if gate is None:
                return connection
            try:
                await _passed(gate)
            except BaseException:
                connection.release()  # nothing was written to it
                raise
            if connection.protocol is not None and connection.protocol.is_connected():
                return connection
            connection.close()  # the insurer closed it meanwhile


async def _passed(gate: Gate) -> None:
    call = _CALL.get()
    if call is None:
        await gate()
        return
    with call.suspended():
        await gate()


class CallTimeout:
    """Limits the time of a block in which this process runs. What it takes to wait at a gate does not count.

    After a stall the timer is due before anything is read, and the answer may have come long ago: as much time as the
    timer is late is added, up to the limit itself. Without that a frozen worker would drop the answers of all its calls,
    and repeat each create.

    Raises:
        TimeoutError: the time is over.
    """

    __slots__ = ("_due", "_grace_s", "_loop", "_seconds", "_timeout", "_timer", "_token")

    def __init__(self, seconds: float) -> None:
        self._seconds = self._grace_s = seconds

    async def __aenter__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._timeout = asyncio.timeout(None)
        await self._timeout.__aenter__()
        self._token = _CALL.set(self)
        self._start(self._seconds)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        self._timer.cancel()
        _CALL.reset(self._token)
        return await self._timeout.__aexit__(kind, error, trace)

    @contextmanager
    def suspended(self) -> Generator[None, None, None]:
        """The time of the block does not count."""
        left_s = self._due - self._loop.time()
        self._timer.cancel()
        try:
            yield
        finally:
            self._start(max(0.0, left_s))

    def _start(self, seconds: float) -> None:
        self._due = self._loop.time() + seconds
        self._timer = self._loop.call_at(self._due, self._expire)

    def _expire(self) -> None:
        now = self._loop.time()
        more_s = min(now - self._due, self._grace_s)
        if more_s < STALL_S_MIN:
            self._timeout.reschedule(now)
            return
        self._grace_s -= more_s
        self._start(more_s)
