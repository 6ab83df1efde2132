"""Sockets of one address: IPv6 gives a client 2^64 of them."""

import pytest

from app.api.connections.socket_limits import SocketCounter
from app.domain.errors import Overloaded


def test_a_network_of_ipv6_is_one_address() -> None:
    """A client that takes another address of its network has no places more."""
    sockets = SocketCounter(per_address=2)
    with sockets.from_address("2001:db8::1"), sockets.from_address("2001:db8::2:1"):
        with pytest.raises(Overloaded), sockets.from_address("2001:db8:0:0:ffff::"):
            pass
        with sockets.from_address("2001:db8:0:1::1"), sockets.from_address("192.0.2.1"):
            pass


def test_addresses_of_ipv4_are_counted_one_by_one() -> None:
    """A socket that serves both versions maps all of IPv4 into one network of IPv6."""
    sockets = SocketCounter(per_address=1)
    with (
        sockets.from_address("::ffff:192.0.2.1"),
        sockets.from_address("::ffff:192.0.2.2"),
        pytest.raises(Overloaded),
        sockets.from_address("192.0.2.1"),
    ):
        pass
