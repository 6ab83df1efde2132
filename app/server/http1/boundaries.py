"""Where a request ends in what a connection receives: one piece fed to the HTTP parser never ends more than one request.

The parser reads all that it is fed, and makes a request of each one in it: 9,000 in a read of 256 KiB. A request with a length
that has come whole is one piece; otherwise its head is one, and its body follows as it comes.
"""

import re
from typing import Final

PIECE_BYTES_MAX: Final = 8 * 1024
"""The largest piece of a head, or of a body in chunks: 2,700 chunks of a byte, 5 ms of CPU. A body with a length is one."""
_BLANK: Final = b"\n\r\n"
_OVERLAP: Final = len(_BLANK) - 1
_find_length: Final = re.compile(rb"\n[Cc]ontent-[Ll]ength: ?([0-9]{1,9})\r\n").search
"""As nearly every client writes it. What this does not find, the parser does, once it has been fed the head."""


class RequestBoundaries:
    """Finds the ends of one connection's pieces: a head, and a body in chunks, end with an empty line."""

    __slots__ = ("_body_left", "_fed", "body_bytes")

    def __init__(self) -> None:
        self._fed = b""
        """The last bytes that were fed, for an empty line that comes in two parts."""
        self._body_left = 0
        """How much of a body with a length has not been fed yet."""
        self.body_bytes = 0
        """How much of the last piece is a body that came with its head."""

    def head_ends(self, body_length: int) -> None:
        """The parser has read a head; 0: there is no body, or it comes in chunks."""
        self._body_left = max(0, body_length - self.body_bytes)

    def take_back(self) -> None:
        """The body that came with its head was not read."""
        self.body_bytes = 0

    def next_end(self, received: bytes, start: int, *, in_head: bool) -> int:
        """The end of the next piece of `received`, which begins at `start`, in a head or behind one."""
        self.body_bytes = 0
        if self._body_left:
            end = min(len(received), start + self._body_left)
            self._body_left -= end - start
            return end
        last = min(len(received), start + PIECE_BYTES_MAX)
        end = self._blank_end(received, start, last)
        if not end:
            self._fed = (self._fed + received[max(start, last - _OVERLAP) : last])[-_OVERLAP:]
            return last
        self._fed = b""
        length = _find_length(received, start, end) if in_head else None
        if length:
            body_bytes = int(length[1])
            if end + body_bytes <= len(received):
                self.body_bytes = body_bytes
        return end + self.body_bytes

    def _blank_end(self, received: bytes, start: int, last: int) -> int:
        if self._fed:
            across = (self._fed + received[start : start + _OVERLAP]).find(_BLANK)
            if across >= 0:
                return min(last, start + across + len(_BLANK) - len(self._fed))
        found = received.find(_BLANK, start, last)
        return found + len(_BLANK) if found >= 0 else 0
