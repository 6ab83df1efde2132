"""Authenticity of events: a MAC beside each, so that an event which another writer put into Redis is not shown.

The keys are derived from those that encrypt applications and rotate with them: the first signs, all verify.
"""

from collections.abc import Mapping
from hashlib import blake2b
from hmac import compare_digest
from typing import Final, Literal

from app.config.key_derivation import EVENTS, derived_key

EventKind = Literal["quote", "end", "inquiry", "reply"]

MAC_BYTES: Final = 16


class EventAuthenticator:
    """Makes and verifies MACs, written `<key id>:<hex>`: BLAKE2b with a key, over kind, request and document."""

    def __init__(self, encryption_keys: Mapping[str, bytes]) -> None:
        self._keyed = {
            key_id: blake2b(digest_size=MAC_BYTES, key=derived_key(key, EVENTS))
            for key_id, key in encryption_keys.items()
        }
        self._key_id = next(iter(self._keyed))

    def mac(self, kind: EventKind, request_id: str, document: bytes) -> str:
        """For an event of this request: under another kind or request it does not hold."""
        tag = _tag(self._keyed[self._key_id], f"{kind}:{request_id}:".encode() + document)
        return f"{self._key_id}:{tag}"

    def holds(self, mac: str, kind: EventKind, request_id: str, document: str) -> bool:
        """Whether a known key made this MAC for this event."""
        key_id, _, tag = mac.partition(":")
        keyed = self._keyed.get(key_id)
        if keyed is None or not tag.isascii():
            return False
        return compare_digest(tag, _tag(keyed, f"{kind}:{request_id}:{document}".encode()))


def _tag(keyed: blake2b, message: bytes) -> str:
    # A copy of the keyed state costs half of what a new one does.
    state = keyed.copy()
    state.update(message)
    return state.hexdigest()
