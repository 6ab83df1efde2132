"""The addresses in a database URL, as libpq writes them: several hosts, their ports, folders of sockets."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from app.domain.errors import WrongSetting

_PORT_MAX: Final = 65_535
_PORT: Final = 5432


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """A host, or the folder of a socket, and a port. Without a host the driver's own defaults hold, as `PGHOST`."""

    host: str = ""
    port: int = _PORT

    def __str__(self) -> str:
        return f"{self.host}:{self.port}" if self.host else "localhost"


def check_url(url: str) -> None:
    """Checks the ports of a URL, which asyncpg reads only when it connects; libpq takes several hosts.

    Raises:
        WrongSetting: one is not a port; the text does not repeat the URL, for it may hold a password.
    """
    ports = [port for _, port in _hosts_and_ports(url)]
    if any(port and not (port.isascii() and port.isdigit() and 0 < int(port) <= _PORT_MAX) for port in ports):
        raise WrongSetting(f"OSAGO_DATABASE_URL: a port is a number from 1 to {_PORT_MAX}")


def place_of(url: str) -> str:
    """Hosts and ports of a URL, without user and password; where there are none, the folder of the socket."""
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2] or dict(parse_qsl(parts.query)).get("host", "localhost")


def addresses_of(url: str) -> tuple[ServerAddress, ...]:
    """The servers that a URL names, in its order; at least one. Call `check_url` before."""
    found = [ServerAddress(unquote(host), int(port or _PORT)) for host, port in _hosts_and_ports(url) if host]
    return tuple(dict.fromkeys(found)) or (ServerAddress(),)


def _hosts_and_ports(url: str) -> list[tuple[str, str]]:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    named = parts.netloc.rpartition("@")[2] or query.get("host", "")
    ports = query.get("port", "").split(",")
    hosts = [_split(host) for host in named.split(",")]
    return [(host, port or ports[min(place, len(ports) - 1)]) for place, (host, port) in enumerate(hosts)]


def _split(host: str) -> tuple[str, str]:
    """`[::1]:5432` too; a folder has no port of its own."""
    if host.startswith(("/", "%2F", "%2f")):
        return host, ""
    name, _, port = host.rpartition(":") if ":" in host.rpartition("]")[2] else (host, "", "")
    return name.strip("[]"), port
