"""UUIDv7 (RFC 9562): unique, and ordered by the moment at which they were made."""

from datetime import UTC, datetime
from os import urandom
from uuid import UUID


def uuid7(now: datetime) -> UUID:
    """48 bits of milliseconds, then 74 random bits."""
    milliseconds = int(now.timestamp() * 1000)
    random = int.from_bytes(urandom(10), "big") >> 6
    value = milliseconds << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & (1 << 62) - 1
    return UUID(int=value)


def made_at(id_: UUID) -> datetime:
    """The moment in a UUIDv7, to the millisecond."""
    return datetime.fromtimestamp((id_.int >> 80) / 1000, UTC)
