"""The lease of a destination: one bridge process at a time carries events to it, another one stands by.

Two may overlap for a moment, when a primary is replaced or a process was frozen: events come twice then, under the same ids and in order.
"""

import asyncio
import secrets
import socket
from typing import Final

import structlog

from app.domain.errors import Unavailable
from app.postgres.database import Pool, connected
from app.runtime.cancellation import raise_if_cancelled
from app.runtime.clock import Clock
from bridge.bridge_rows import hold_lease, leave_lease

log: Final = structlog.get_logger(__name__)

RENEWALS_PER_LEASE: Final = 4


class DestinationLease:
    """The hold of one process on one destination."""

    def __init__(self, pool: Pool, clock: Clock, *, destination: str, lease_s: float) -> None:
        self._pool = pool
        self._clock = clock
        self._destination = destination
        self._lease_s = lease_s
        self.holder = f"{socket.gethostname()[:64]}-{secrets.token_hex(4)}"
        self._held_until_s = float("-inf")
        self.lost = asyncio.Event()
        """Set when another process has it, or when it ran out."""

    @property
    def every_s(self) -> float:
        """How often it is renewed, or asked for."""
        return self._lease_s / RENEWALS_PER_LEASE

    async def take(self) -> bool:
        """Whether it is this process's now.

        Raises:
            Unavailable: PostgreSQL is not there.
        """
        began_s = self._clock.monotonic()
        async with connected(self._pool) as connection:
            is_held = await hold_lease(connection, self._destination, self.holder, lease_s=self._lease_s)
        if is_held:
            self._held_until_s = began_s + self._lease_s
            self.lost.clear()
        return is_held

    async def keep(self) -> None:
        """Renews it until it is lost."""
        while not self.lost.is_set():
            raise_if_cancelled()
            await self._clock.sleep(self.every_s)
            try:
                async with asyncio.timeout(self._lease_s):
                    is_held = await self.take()
            except (Unavailable, TimeoutError):
                is_held = self._clock.monotonic() < self._held_until_s
            if not is_held:
                log.warning("bridge.lease_lost", destination=self._destination)
                self.lost.set()

    async def leave(self) -> None:
        """Lets another process take over at once; without PostgreSQL it runs out."""
        try:
            async with connected(self._pool) as connection:
                await leave_lease(connection, self._destination, self.holder)
        except Unavailable:
            log.info("bridge.left_silently", destination=self._destination)
