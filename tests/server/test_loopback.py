"""Names of this machine, and nothing that only looks like one."""

import pytest

from app.server.loopback import is_loopback


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8000",
        "localhost.",
        "shop.localhost:80",
        "127.0.0.1",
        "127.0.0.1:8000",
        "127.8.9.1",
        "[::1]:8000",
    ],
)
def test_a_loopback_name_with_or_without_a_port(host: str) -> None:
    """Hosts are spelt as browsers write them."""
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evil.example:8000",
        "localhost.evil.example",
        "evillocalhost",
        "127.0.0.1.evil.example",
        "127.0.0.1@evil.example",
        "evil.example@127.0.0.1",
        "localhost/evil.example",
        "localhost,evil.example",
        "localhost evil.example",
        "localhost#",
        "localhost:x",
        "127.1",
        "0.0.0.0",  # noqa: S104 - a name, no server
        "192.168.0.1",
        "10.0.0.1:8000",
        "[::]",
        "[::1",
        "::1]",
        "[2001:db8::1]",
    ],
)
def test_any_other_name(host: str) -> None:
    """The address that a name resolves to does not count."""
    assert not is_loopback(host)
