"""Tracebacks for the log: where something failed, never with what. The text of an error may hold personal data.

PostgreSQL repeats the row that it refuses, a KeyError its key, a ValueError what it could not read.
"""

import traceback
from types import TracebackType
from typing import Final, TextIO, TypeAlias, cast

from app.domain.errors import OsagoError

ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None]

_CHAIN_MAX: Final = 5
_FRAMES_MAX: Final = 40


def places(error: BaseException) -> str:
    """The frames of an error and of its causes, the first cause first; only this project's errors keep their texts."""
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and len(chain) < _CHAIN_MAX:
        chain.append(cause)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return "\n".join(_one(link) for link in reversed(chain))


def format_exc_info(exc_info: ExcInfo) -> str:
    """As structlog's renderer of JSON wants it."""
    return places(exc_info[1])


def write_exc_info(stream: TextIO, exc_info: ExcInfo) -> None:
    """As structlog's renderer for consoles wants it."""
    stream.write("\n" + places(exc_info[1]))


def _one(error: BaseException) -> str:
    frames = traceback.format_tb(error.__traceback__)[-_FRAMES_MAX:]
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    text = f": {error}" if isinstance(error, OsagoError) else ""
    inner = ""
    if isinstance(error, BaseExceptionGroup):
        parts = cast("BaseExceptionGroup[BaseException]", error).exceptions
        inner = "".join(_indented(_one(part)) for part in parts)
    return f"{''.join(frames)}{name}{text}{inner}"


def _indented(text: str) -> str:
    return "".join(f"\n  | {line}" for line in text.splitlines())
