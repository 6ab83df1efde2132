"""How many sockets are open, from which address and of which caller: neither may take them all."""

from collections import Counter
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from app.domain.errors import Overloaded
from app.server.client_network import network_of
from app.use_cases.caller_shares import CallerShare

_ADDRESS: Final = "address "


class SocketCounter:
    """Counts the sockets of this process."""

    def __init__(self, *, per_address: int) -> None:
        self._per_address = per_address
        self._open: Counter[str] = Counter()

    @property
    def open(self) -> int:
        """Sockets with a checked token."""
        return sum(count for who, count in self._open.items() if not who.startswith(_ADDRESS))

    def from_address(self, address: str) -> AbstractContextManager[None]:
        """Holds a place for the block. All addresses of a network of IPv6 count as one.

        Raises:
            Overloaded: this address has none left.
        """
        return self._held(f"{_ADDRESS}{network_of(address)}", self._per_address)

    def of_caller(self, share: CallerShare) -> AbstractContextManager[None]:
        """Holds a place for the block.

        Raises:
            ShareExhausted: this caller has none left.
        """
        return self._held(share.name, share.sockets_max, share)

    @contextmanager
    def _held(self, who: str, most: int, share: CallerShare | None = None) -> Generator[None, None, None]:
        if self._open[who] >= most:
            raise share.exhausted("sockets") if share else Overloaded("too many sockets")
        self._open[who] += 1
        try:
            yield
        finally:
            self._open[who] -= 1
            if not self._open[who]:
                del self._open[who]
