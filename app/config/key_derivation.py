"""Keys for one purpose each, derived from those that an operator configures: none opens, or signs, what another is for."""

from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES: Final = 32
EVENTS: Final = "events"
"""The purpose of keys that sign events: readers of the feed have them too."""


def derived_key(key: bytes, purpose: str) -> bytes:
    """HKDF-SHA256 without salt, for `osago <purpose>`."""
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"osago {purpose}".encode()).derive(key)
