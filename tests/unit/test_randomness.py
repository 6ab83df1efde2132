"""Random bytes by the page: none is given out twice, in no process."""

import os

import pytest

from app.domain.randomness import PIECE, random_bytes


def test_no_byte_is_given_out_twice() -> None:
    """Over many pages."""
    pieces = [random_bytes(13) for _ in range(2000)]
    assert {len(piece) for piece in pieces} == {13}
    assert len(set(pieces)) == len(pieces)


def test_a_forked_child_has_bytes_of_its_own() -> None:
    """It would repeat its parent's otherwise: nonces and ids."""
    random_bytes(1)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, random_bytes(16))
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    assert os.read(reading, 16) != random_bytes(16)


def test_no_fewer_bytes_are_given_than_were_asked_for() -> None:
    """A nonce that is too short would be found out by nobody."""
    assert len(random_bytes(PIECE)) == PIECE
    with pytest.raises(ValueError, match="too many"):
        random_bytes(PIECE + 1)
