"""Random bytes of the operating system, asked for by the page: a system call for each piece would cost as much as the sealing
for which it is needed.
"""

import os
from typing import Final

PIECE: Final = 16
_PIECES: Final = 256

_pieces: Final[list[bytes]] = []


def random_bytes(count: int) -> bytes:
    """So many bytes, at most PIECE, fit for nonces and ids. None is given out twice, to no thread and no process."""
    if count > PIECE:
        raise ValueError("too many at once")
    try:
        return _pieces.pop()[:count]  # atomic: no other thread gets the same piece
    except IndexError:
        page = os.urandom(PIECE * _PIECES)
        _pieces.extend(page[place : place + PIECE] for place in range(PIECE, len(page), PIECE))
        return page[:count]


# A child that went on with its parent's pieces would repeat what the parent gives out.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pieces.clear)
