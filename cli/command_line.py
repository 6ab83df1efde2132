"""Runs the command that is typed: what is wrong with it is one clear line and exit code 2, never a traceback."""

import importlib
import os
import sys
from typing import Any, Final, cast

import typer

from app.domain.errors import WrongSetting

WRONG: Final = 2
PIPE_CLOSED: Final = 1
"""Typer ends with it too, where a command writes into a closed pipe."""


def run_command_line(app: typer.Typer) -> int:
    """Returns the exit code."""
    try:
        code = _run(app)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of a pipe, `head` perhaps, has enough. Python would fail once more when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    return code


def import_logging_alone() -> None:
    """Imports structlog as where rich is not installed: it would import all of it, to print tracebacks that logs here have in a form of their own.

    Called before any command; what imports rich afterwards has it as ever.
    """
    if "rich" not in sys.modules:
        sys.modules["rich"] = cast("Any", None)  # an import of it fails
        try:
            importlib.import_module("structlog")
        finally:
            del sys.modules["rich"]


def _run(app: typer.Typer) -> int:
    try:
        return app(prog_name="osago", standalone_mode=False) or 0
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else 0
    except WrongSetting as error:
        return _refuse(str(error))
    except typer.TyperException as error:
        return _refuse(_usage(error))


def _refuse(why: str) -> int:
    if why:
        print(f"osago: {' '.join(why.split())}", file=sys.stderr)
    return WRONG


def _usage(error: typer.TyperException) -> str:
    """A line that names the command; empty where the help of a group has been printed instead."""
    text = str(getattr(error, "format_message", lambda: error)())
    context = getattr(error, "ctx", None)
    if context is None or not text:
        return text
    command = context.command_path
    return f"{command.removeprefix('osago')}: {text} (`{command} --help`)".removeprefix(": ").strip()
