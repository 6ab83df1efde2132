"""Garbage collection in a process of its own: what is there at the start is there for good, and need not be looked at again.

Thousands of jobs in flight are thousands of objects that live; with Python's own threshold of 700 they are counted over
and over, which took a third of a worker's CPU.
"""

import gc
from typing import Final

_THRESHOLDS: Final = (20_000, 20, 20)


def tune() -> None:
    """Call it once, when everything has been made that stays."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
