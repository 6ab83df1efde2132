"""Garbage collection around a process's start: what is made then is there for good, and need not be looked at again."""

import gc


def pause() -> None:
    """Call it before the imports: there is no garbage in them, and looking for some takes a tenth of their time."""
    gc.disable()


def resume() -> None:
    """Call it when the process is ready: from then on only what is made later is looked at."""
    gc.freeze()
    gc.enable()
