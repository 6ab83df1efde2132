"""Links that a customer may follow: https, a public host, and nothing that a browser reads otherwise than we do."""

import functools
import re
import string
from collections.abc import Collection
from ipaddress import IPv4Address
from typing import Final
from urllib.parse import quote

URL_LENGTH_MAX: Final = 2048
_LABEL: Final = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST_LENGTH_MAX: Final = 253
_LABEL_LENGTH_MAX: Final = 63
_DOTS: Final = re.compile("[.。．｡]")
"""What IDNA takes for a dot (RFC 3490, 3.1)."""
_HOST: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})+", re.IGNORECASE)
# No user, no other scheme, no backslash, blank or quote: what is left means the same to every reader.
# Without a flag for case, which would double the time.
_HTTPS: Final = re.compile(r"https://([A-Za-z0-9.-]+)(?::([0-9]{1,5}))?(?:[/?#][!#-&(-;=?-Z_a-z~%\[\]]*)?")
_FOREIGN: Final = re.compile(r"https://([^\x00-\x20/?#\\@:%\[\]]+)((?:[:/?#].*)?)")
# IDNA 2003, which Python has, and browsers make different hosts of these.
_DEVIATIONS: Final = frozenset("ßẞς")
_PORT_MAX: Final = 65535
_PRIVATE: Final = frozenset(
    ("localhost", "localdomain", "local", "internal", "intranet", "lan", "home", "corp", "private", "arpa")
)
"""Last labels of names that only a private network resolves."""


def https_url(text: str | None) -> str | None:
    """The link as a browser sends it, host in punycode and the rest percent-encoded; None if it is none.

    A link that is returned once is returned unchanged when it is read again.
    """
    if not isinstance(text, str) or len(text) > URL_LENGTH_MAX:
        return None
    url = text if text.isascii() else _in_ascii(text)
    found = _HTTPS.fullmatch(url) if url is not None else None
    if url is None or found is None or len(url) > URL_LENGTH_MAX:
        return None
    host, port = found.groups()
    if port is not None and not 1 <= int(port) <= _PORT_MAX:
        return None
    return url if _is_public(host) else None


def host_in_ascii(host: str) -> str | None:
    """A host's name in punycode and lower case; None if it is none."""
    if len(host) > _HOST_LENGTH_MAX or not host.isprintable() or not _DEVIATIONS.isdisjoint(host):
        return None
    # Encoding takes the square of a label's length; one that composing its letters would make short enough is refused, too.
    if any(len(label) > _LABEL_LENGTH_MAX for label in _DOTS.split(host)):
        return None
    try:
        named = host.encode("idna").decode().lower()
    except UnicodeError:
        return None
    return named if _HOST.fullmatch(named) else None


def is_at(url: str, hosts: Collection[str]) -> bool:
    """Whether a link of `https_url` leads to one of these hosts, or below it."""
    found = _HTTPS.fullmatch(url)
    host = found[1].lower() if found else ""
    return any(host == known or host.endswith(f".{known}") for known in hosts)


def _in_ascii(text: str) -> str | None:
    found = _FOREIGN.fullmatch(text)
    host = host_in_ascii(found[1]) if found and text.isprintable() else None
    return f"https://{host}{quote(found[2], safe=string.printable)}" if found and host else None


@functools.lru_cache(1024)
def _is_public(host: str) -> bool:
    """Whether it may be reached from outside of a private network, by its name alone."""
    if not _HOST.fullmatch(host):
        return False
    last = host.rpartition(".")[2].lower()
    if last.isdigit() or last.startswith("0x"):  # browsers read any such host as an address, in many spellings
        try:
            address = IPv4Address(host)
        except ValueError:
            return False
        return address.is_global and not address.is_multicast
    return last not in _PRIVATE
