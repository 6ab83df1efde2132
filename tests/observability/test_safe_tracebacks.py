"""Tracebacks in the log: places and types, and never values."""

import io
import json
import logging
from collections.abc import Callable

import pytest
import structlog

from app.domain.errors import NotFound, Unavailable
from app.observability import logs, safe_tracebacks

SECRET = "Кузнецова 4511654321"


def broken(raise_: Callable[[], None]) -> str:
    try:
        raise_()
    except Exception as error:  # noqa: BLE001 - any error may come
        return safe_tracebacks.places(error)
    return ""


def test_a_place_and_a_kind_but_no_text() -> None:
    """Texts of the error and of its causes are left out."""

    def chained() -> None:
        try:
            {}[SECRET]
        except KeyError as error:
            raise ValueError(SECRET) from error

    logged = broken(chained)
    assert "KeyError" in logged
    assert logged.splitlines()[-1] == "ValueError"
    assert "in chained" in logged
    assert SECRET not in logged


def test_of_our_own_errors_the_text_stays() -> None:
    """Errors of this project are made to hold nothing personal."""

    def ours() -> None:
        raise Unavailable("PostgreSQL is too slow")

    assert broken(ours).endswith("Unavailable: PostgreSQL is too slow")


def test_groups_are_logged_with_the_errors_in_them() -> None:
    """A TaskGroup's error alone has no cause to log."""

    def group() -> None:
        raise ExceptionGroup("unhandled errors", [ValueError(SECRET), NotFound()])

    logged = broken(group)
    assert "| ValueError" in logged
    assert "NotFound" in logged
    assert SECRET not in logged


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_every_logger_writes_it_so(log_format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loggers of this project, and those of libraries."""
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    try:
        logs.configure(log_format=log_format, level="info")
        try:
            int(SECRET)
        except ValueError:
            structlog.get_logger("ours").exception("ours.failed")
            logging.getLogger("theirs").exception("theirs failed")
            logging.getLogger("asyncio").exception("Task exception was never retrieved\n%s", SECRET)
    finally:
        monkeypatch.undo()
        logs.configure(log_format="json", level="warning")
    text = stream.getvalue()
    assert text.count("ValueError") >= 2
    assert SECRET not in text
    assert "4511654321" not in text
    if log_format == "json":
        assert all("test_every_logger" in json.loads(line)["exception"] for line in text.splitlines())
