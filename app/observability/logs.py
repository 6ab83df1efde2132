"""Logs: events with fields, as JSON or for a console; the standard library's loggers go the same way."""

import logging
import sys
from contextvars import ContextVar
from typing import Final

import structlog
from structlog.typing import Processor

from app.observability import safe_tracebacks

REQUEST_ID: Final = ContextVar[str](f"{structlog.contextvars.STRUCTLOG_KEY_PREFIX}request_id")
"""The request that a task answers, in every line that it logs: structlog finds it by this name, as it finds what it binds itself.

`bind_contextvars` makes and reads mappings, which takes as long as the check of a token.
"""
_QUIET: Final = ("httpx", "httpcore", "asyncio", "uvicorn", "strawberry.execution", "alembic")
_SHARED: Final[list[Processor]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure(*, log_format: str, level: str) -> None:
    """Sets up logging for the whole process; lines go to standard error."""
    is_json = log_format == "json"
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_rendering(is_json=is_json),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("asyncio").addFilter(_first_line)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _first_line(record: logging.LogRecord) -> bool:
    """Asyncio goes on with the task that failed, and the text of its error, which is not for logs."""
    record.msg, record.args = record.getMessage().partition("\n")[0], ()
    return True


def _rendering(*, is_json: bool) -> list[Processor]:
    if is_json:
        traced = structlog.processors.ExceptionRenderer(safe_tracebacks.format_exc_info)
        return [traced, structlog.processors.JSONRenderer(ensure_ascii=False)]
    written = safe_tracebacks.write_exc_info
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=written, sort_keys=False)]
