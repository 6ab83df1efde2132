"""How many sockets are open, from which address and with which token: neither may take them all."""

import hashlib
from collections import Counter
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from app.domain.errors import Overloaded

_ADDRESS: Final = "address "


class Sockets:
    """Counts the sockets of this process."""

    def __init__(self, *, per_address: int, per_token: int) -> None:
        self._per_address = per_address
        self._per_token = per_token
        self._open: Counter[str] = Counter()

    @property
    def open(self) -> int:
        """Those that have said who they are."""
        return sum(count for who, count in self._open.items() if not who.startswith(_ADDRESS))

    def from_address(self, address: str) -> AbstractContextManager[None]:
        """Holds a place for the block.

        Raises:
            Overloaded: this address has none left.
        """
        return self._held(f"{_ADDRESS}{address}", self._per_address)

    def with_token(self, token: str) -> AbstractContextManager[None]:
        """Holds a place for the block. The token itself is not kept.

        Raises:
            Overloaded: this token has none left.
        """
        return self._held(hashlib.sha256(token.encode()).hexdigest(), self._per_token)

    @contextmanager
    def _held(self, who: str, most: int) -> Generator[None, None, None]:
        if self._open[who] >= most:
            raise Overloaded("too many sockets")
        self._open[who] += 1
        try:
            yield
        finally:
            self._open[who] -= 1
            if not self._open[who]:
                del self._open[who]
