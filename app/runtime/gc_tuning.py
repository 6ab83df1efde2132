"""Garbage collection around a process's start: what is made then is there for good, and need not be looked at again."""

import gc
from typing import Final

YOUNG_MAX: Final = 10_000
"""Objects made and not yet gone before a collection. A hundred requests that wait for one commit hold more than
Python's own 700, and none of them is garbage."""


def pause() -> None:
    """Call it before the imports: there is no garbage in them, and looking for some takes a tenth of their time."""
    gc.disable()


def resume() -> None:
    """Call it when the process is ready: from then on only what is made later is looked at, and less often."""
    gc.freeze()
    gc.set_threshold(YOUNG_MAX)
    gc.enable()
