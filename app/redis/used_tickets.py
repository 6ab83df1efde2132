"""Which tickets for streams have been used: each opens one stream, once, at whichever process."""

from typing import Final
from uuid import UUID

from app.redis import keys
from app.redis.redis_client import RedisClient

KEPT_MS: Final = 90_000
"""Three times as long as a ticket holds."""


class UsedTickets:
    """Kept in Redis for as long as a ticket holds. A flush in that time forgets them: a ticket could be used again."""

    def __init__(self, client: RedisClient, *, shards: int) -> None:
        self._client = client
        self._shards = shards

    async def take(self, request_id: UUID, ticket_id: str) -> bool:
        """Whether this is the first use.

        Raises:
            RedisAway: it cannot be known.
        """
        key = keys.ticket(keys.shard_of(request_id, self._shards), ticket_id)
        return await self._client.set(key, "", px=KEPT_MS, nx=True)
