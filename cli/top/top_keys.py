"""The keys of a terminal, as they are pressed: letters, and the names of those that send more than one byte."""

import codecs
import os
import sys
import termios
import tty
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Final

from cli.top.top_state import BACKSPACE, DOWN, ENTER, ESCAPE, UP

READ_BYTES_MAX: Final = 1024
_NAMED: Final = {"\x1b[A": UP, "\x1b[B": DOWN, "\x1bOA": UP, "\x1bOB": DOWN}
_SINGLE: Final = {"\r": ENTER, "\n": ENTER, "\x1b": ESCAPE, "\x7f": BACKSPACE, "\x08": BACKSPACE}


class KeyReader:
    """Keys of standard input; letters of any alphabet."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode

    def read(self) -> list[str]:
        """The keys that have been pressed; call it when there is something to read. An end of the input is `q`."""
        octets = os.read(sys.stdin.fileno(), READ_BYTES_MAX)
        return list(keys_of(self._decode(octets))) if octets else ["q"]


def keys_of(text: str) -> Iterator[str]:
    """The keys that a terminal has sent, one by one. Sequences that have no name here are left out."""
    while text:
        named = next((sequence for sequence in _NAMED if text.startswith(sequence)), None)
        if named:
            yield _NAMED[named]
            text = text[len(named) :]
        elif text.startswith("\x1b["):
            end = next((place for place, char in enumerate(text[2:], 3) if "@" <= char <= "~"), len(text))
            text = text[end:]
        else:
            yield _SINGLE.get(text[0], text[0])
            text = text[1:]


@contextmanager
def key_by_key() -> Generator[None, None, None]:
    """The terminal hands over each key at once, and prints none of them, until the block ends."""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setraw(descriptor)
        # Rich still writes lines that end with a line feed alone.
        after = termios.tcgetattr(descriptor)
        after[1] |= termios.OPOST
        termios.tcsetattr(descriptor, termios.TCSANOW, after)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
