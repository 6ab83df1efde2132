"""Where a request ends in what a connection receives: one piece fed to the HTTP parser never ends more than one request.

The parser reads all that it is fed, and makes a request of each one in it: 9,000 in a read of 256 KiB.
"""

from typing import Final

PIECE_BYTES_MAX: Final = 8 * 1024
"""Of a head, or of a body in chunks: 2,700 chunks of one byte, 5 ms of CPU. A body with a length is one piece."""
_BLANK: Final = b"\n\r\n"
_OVERLAP: Final = len(_BLANK) - 1


class RequestBoundaries:
    """Finds the ends of one connection's pieces: a head, and a body in chunks, end with an empty line."""

    __slots__ = ("_fed", "body_left")

    def __init__(self) -> None:
        self._fed = b""
        """The last bytes that were fed, for an empty line that comes in two parts."""
        self.body_left = 0
        """How much of a body with a length has not been fed yet."""

    def next_end(self, received: bytes, start: int) -> int:
        """The end of the next piece of `received`, which begins at `start`."""
        if self.body_left:
            end = min(len(received), start + self.body_left)
            self.body_left -= end - start
            return end
        last = min(len(received), start + PIECE_BYTES_MAX)
        end = self._blank_end(received, start, last)
        if end:
            self._fed = b""
            return end
        self._fed = (self._fed + received[max(start, last - _OVERLAP) : last])[-_OVERLAP:]
        return last

    def _blank_end(self, received: bytes, start: int, last: int) -> int:
        if self._fed:
            across = (self._fed + received[start : start + _OVERLAP]).find(_BLANK)
            if across >= 0:
                return min(last, start + across + len(_BLANK) - len(self._fed))
        found = received.find(_BLANK, start, last)
        return found + len(_BLANK) if found >= 0 else 0
