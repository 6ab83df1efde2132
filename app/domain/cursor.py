"""A cursor is the set of answers that a client has: a bitmap over the request's insurers, and a bit for the end.

It survives any rebuild, any order and any instance. For clients it is opaque.
"""

import binascii
import zlib
from base64 import urlsafe_b64decode
from binascii import b2a_base64
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec

from app.domain.errors import InvalidCursor

_CHECK_BYTES: Final = 2
CURSOR_LENGTH_MAX: Final = 64
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")


class Cursor(msgspec.Struct, frozen=True, gc=False):
    """Bit n is the request's n-th insurer, the bit after the last one the end."""

    request_id: UUID
    insurers: Sequence[str]
    bits: int = 0

    def has(self, insurer_id: str) -> bool:
        return bool(self.bits >> self.insurers.index(insurer_id) & 1)

    def having(self, insurer_id: str) -> "Cursor":
        return Cursor(self.request_id, self.insurers, self.bits | 1 << self.insurers.index(insurer_id))

    @property
    def answered(self) -> int:
        """How many answers the client has, the end not counted."""
        return (self.bits & (1 << len(self.insurers)) - 1).bit_count()

    @property
    def ended(self) -> bool:
        return bool(self.bits >> len(self.insurers))

    def having_end(self) -> "Cursor":
        return Cursor(self.request_id, self.insurers, self.bits | 1 << len(self.insurers))

    def encode(self) -> str:
        """ASCII, safe in URLs, a few characters long."""
        bits = self.bits.to_bytes(len(self.insurers) // 8 + 1, "big")
        return b2a_base64(self._check() + bits, newline=False).translate(_URL_SAFE, b"=").decode()

    def _check(self) -> bytes:
        """Refuses a cursor of another request, so that its gaps are not taken for this request's."""
        return (zlib.crc32(self.request_id.bytes) & 0xFFFF).to_bytes(_CHECK_BYTES, "big")

    @classmethod
    def decode(cls, text: str, request_id: UUID, insurers: Sequence[str]) -> "Cursor":
        """The cursor that `encode` wrote for the same request.

        Raises:
            InvalidCursor: it is damaged, or of another request.
        """
        if len(text) > CURSOR_LENGTH_MAX:
            raise InvalidCursor
        try:
            raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except (binascii.Error, ValueError) as error:
            raise InvalidCursor from error
        cursor = cls(request_id, insurers, int.from_bytes(raw[_CHECK_BYTES:], "big"))
        if cursor.bits >= 1 << len(insurers) + 1 or cursor.encode() != text.rstrip("="):
            raise InvalidCursor
        return cursor
