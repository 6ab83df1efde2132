"""Garbage collection around a process's start: objects made then live as long as it, and are not scanned again."""

import gc
from typing import Final

YOUNG_MAX: Final = 10_000
"""Objects made and not yet gone before a collection. A hundred requests that wait for one commit hold more than
Python's own 700, and none of them is garbage."""


def pause() -> None:
    """Call it before the imports: they make no garbage, and looking for some takes a tenth of their time."""
    gc.disable()


def resume() -> None:
    """Call it when the process is ready: from then on only objects made later are scanned, and less often."""
    gc.freeze()
    gc.set_threshold(YOUNG_MAX)
    gc.enable()
