"""Connections that are closed from our side, also in the middle of a statement."""

import contextlib
from collections.abc import Generator, Iterable
from typing import Any

import asyncpg


def hang_up(connections: Iterable[Any]) -> None:
    """Closes connections without a word to their server: it goes on with what it does for them."""
    for connection in connections:
        with contextlib.suppress(asyncpg.InterfaceError):  # the pool has it back already
            connection.terminate()


@contextlib.contextmanager
def as_closed(connection: Any) -> Generator[None, None, None]:
    """Raises InterfaceError where asyncpg fails because its connection was closed between two steps of a statement.

    asyncpg sets the protocol of such a connection to None and goes on with it: "'NoneType' object has no attribute …".
    """
    try:
        yield
    except AttributeError as error:
        if not _is_closed(connection):
            raise
        raise asyncpg.InterfaceError("the connection was closed during a statement") from error


def _is_closed(connection: Any) -> bool:
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:  # the pool has it back already
        return True
