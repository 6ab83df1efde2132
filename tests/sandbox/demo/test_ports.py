"""Ports of servers that the demo and the tests start: free when chosen, and still free when the server begins."""

import socket
from collections.abc import Generator
from contextlib import ExitStack

import pytest

from sandbox.demo.servers import NoServer, free_port

GIVEN_TO_CONNECTIONS = 32_768
"""The first such port on Linux; on macOS and Windows it is 49,152."""
BESIDE = 3


@pytest.fixture
def first(monkeypatch: pytest.MonkeyPatch) -> int:
    """Of four ports: all there are."""
    port = free_port(beside=BESIDE)
    monkeypatch.setattr("sandbox.demo.servers._PORTS", range(port, port + BESIDE + 1))
    return port


@pytest.fixture
def held() -> Generator[ExitStack, None, None]:
    """Listeners of a test."""
    with ExitStack() as stack:
        yield stack


def listen_in(port: int, held: ExitStack) -> None:
    held.enter_context(socket.create_server(("127.0.0.1", port)))


def listen_in_all(held: ExitStack) -> None:
    while True:
        listen_in(free_port(), held)


def test_no_connection_is_given_the_port_before_its_server_begins() -> None:
    """A client's own port comes from another range."""
    assert all(free_port(beside=10_000) + 10_000 < GIVEN_TO_CONNECTIONS for _ in range(20))


def test_a_port_that_is_taken_is_not_given(first: int, held: ExitStack) -> None:
    """Each is given while it is free, and no longer."""
    assert first <= free_port() <= first + BESIDE
    with pytest.raises(NoServer, match="no loopback port is free"):
        listen_in_all(held)


def test_a_port_is_not_given_where_the_one_beside_it_is_taken(first: int, held: ExitStack) -> None:
    """A node of a Cluster needs both."""
    assert free_port(beside=BESIDE) == first
    listen_in(first + BESIDE, held)
    with pytest.raises(NoServer, match="end what holds them"):
        free_port(beside=BESIDE)
