"""Sets a whole process's wall clock wrong, from outside: python imports this module when it is on PYTHONPATH.

WALL_CLOCK_WRONG_BY_S says by how many seconds. The monotonic clock stays as it is, as on a machine without
synchronised time. `datetime` is written in C: its methods are replaced in the class, so that each importer gets them.
"""

import ctypes
import datetime as dt
import gc
import os
import time
from typing import Any

_WRONG_BY_S = float(os.environ.get("WALL_CLOCK_WRONG_BY_S", "0"))
_time, _time_ns, _gmtime, _localtime = time.time, time.time_ns, time.gmtime, time.localtime


def _replace(cls: type, name: str, value: object) -> None:
    gc.get_referents(cls.__dict__)[0][name] = value
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(cls))


def _now(_: type, tz: dt.tzinfo | None = None) -> dt.datetime:
    return dt.datetime.fromtimestamp(time.time(), tz)


def _utcnow(_: type) -> dt.datetime:
    return dt.datetime.fromtimestamp(time.time(), dt.UTC).replace(tzinfo=None)


def _today(cls: Any) -> Any:
    return cls.fromtimestamp(time.time())


def _set_wrong() -> None:
    time.time = lambda: _time() + _WRONG_BY_S
    time.time_ns = lambda: _time_ns() + int(_WRONG_BY_S * 1e9)
    time.gmtime = lambda seconds=None, /: _gmtime(time.time() if seconds is None else seconds)
    time.localtime = lambda seconds=None, /: _localtime(time.time() if seconds is None else seconds)
    _replace(dt.datetime, "now", classmethod(_now))
    _replace(dt.datetime, "utcnow", classmethod(_utcnow))
    _replace(dt.datetime, "today", classmethod(_today))
    _replace(dt.date, "today", classmethod(_today))


if _WRONG_BY_S:
    _set_wrong()
