"""The network that limits by address count by: one address of IPv4, or the first 64 bits of IPv6."""

from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

NETWORK_BITS: Final = 64
UNKNOWN: Final = "unknown"


def network_of(host: str) -> str:
    """The network of a client's address; on a socket that serves both, IPv4 comes as `::ffff:203.0.113.7`."""
    try:
        address = ip_address(host)
    except ValueError:
        return UNKNOWN
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ip_network((int(address), NETWORK_BITS), strict=False))
