"""Whether an entry of the feed is the aggregator's: its `mac`, as docs/feed.md describes it."""

import string
from collections.abc import Mapping
from hashlib import blake2b
from hmac import compare_digest
from typing import Self

_MAC_BYTES = 16
_KEY_BYTES = 32


class FeedKeys:
    """The keys that `osago keys feed` prints. They verify, and could sign, entries; they open no application."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys = keys

    @classmethod
    def parse(cls, text: str) -> Self:
        """Of `id:hex,…`.

        Raises:
            ValueError: it is none; the text of the error holds no key.
        """
        keys: dict[str, bytes] = {}
        for part in text.split(","):
            key_id, _, digits = part.strip().partition(":")
            if not key_id or len(digits) != 2 * _KEY_BYTES or not set(digits) <= set(string.hexdigits):
                raise ValueError("expected id:hex,… with 64 digits each")
            keys[key_id] = bytes.fromhex(digits)
        return cls(keys)

    def holds(self, fields: Mapping[str, str], kind: str) -> bool:
        """Whether one of the keys made the entry's `mac`, for this kind, its request and its JSON."""
        mac = fields.get("mac", "")
        key = self._keys.get(mac.partition(":")[0])
        if key is None or not mac.isascii():
            return False
        event = f"{kind}:{fields.get('request', '')}:{fields.get(kind, '')}".encode()
        tag = blake2b(event, digest_size=_MAC_BYTES, key=key).hexdigest()
        return compare_digest(mac.partition(":")[2], tag)
