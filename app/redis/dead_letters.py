"""Dead letters: jobs that were given up, kept until an operator has decided on them. They hold no personal data."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from app.redis import keys
from app.redis.lua_scripts import LETTER_RETRIES
from app.redis.redis_client import RedisClient

LETTERS_MAX: Final = 10_000
"""Per shard; the oldest go."""
RETRIES_KEPT_MS: Final = 3_600_000
_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A job that was given up. `trace` names places in the code and never holds an error's text.

    `id` is the shard and the entry, `00:1795320171366-0`; empty before it is buried.
    """

    insurer_id: str
    request_id: UUID
    deliveries: int
    reason: str
    trace: str
    at: datetime
    id: str = ""


@dataclass(frozen=True, slots=True)
class LetterRetry:
    """A retry that an operator has asked for: QUEUED, ASKING, or DONE with its answer."""

    state: str
    answer: str = ""


class DeadLetters:
    """The dead letters of one Redis."""

    def __init__(self, client: RedisClient, *, shards: int) -> None:
        self._client = client
        self._shards = shards

    async def bury(self, letter: DeadLetter) -> None:
        """Keeps a letter."""
        shard = keys.shard_of(letter.request_id, self._shards)
        fields = {
            "request": str(letter.request_id),
            "insurer": letter.insurer_id,
            "deliveries": str(letter.deliveries),
            "reason": letter.reason,
            "trace": letter.trace,
            "at": letter.at.isoformat(),
        }
        await self._client.xadd(keys.dead_letters(shard), fields, maxlen=LETTERS_MAX, approximate=True)

    async def all(self) -> AsyncGenerator[DeadLetter, None]:
        """Every letter, the oldest of each shard first."""
        for shard in range(self._shards):
            after = "-"
            while entries := await self._client.xrange(keys.dead_letters(shard), min=after, max="+", count=_PAGE):
                for entry, fields in entries:
                    yield _letter(shard, entry, fields)
                after = f"({entries[-1][0]}"

    async def count(self) -> int:
        """How many there are."""
        return sum([await self._client.xlen(keys.dead_letters(shard)) for shard in range(self._shards)])

    async def find(self, id_: str) -> DeadLetter | None:
        """The letter of that id."""
        shard, entry = _place(id_)
        found = await self._client.xrange(keys.dead_letters(shard), min=entry, max=entry, count=1)
        return _letter(shard, entry, found[0][1]) if found else None

    async def drop(self, ids: Sequence[str]) -> int:
        """Removes letters; returns their number."""
        dropped = 0
        for id_ in ids:
            shard, entry = _place(id_)
            dropped += await self._client.xdel(keys.dead_letters(shard), entry)
        return dropped

    async def queue_retries(self, ids: Sequence[str]) -> None:
        """Has some worker ask about these letters again."""
        await self._retries("ask", *ids)

    async def take_retry(self) -> str | None:
        """The id of a letter to ask about now; no other worker gets it."""
        return await self._retries("take")

    async def answer_retry(self, id_: str, answer: str) -> None:
        """Keeps what came of a retry for an hour."""
        await self._retries("answer", id_, answer)

    async def retries(self) -> Mapping[str, LetterRetry]:
        """The retries of the last hour."""
        flat = await self._retries("read")
        pairs = zip(flat[::2], flat[1::2], strict=True)
        return {id_: LetterRetry(state, answer) for id_, text in pairs for state, _, answer in [text.partition(" ")]}

    async def _retries(self, *arguments: str) -> Any:
        return await LETTER_RETRIES.run(self._client, [keys.letter_retries()], [RETRIES_KEPT_MS, *arguments])


def _place(id_: str) -> tuple[int, str]:
    """Shard and entry of an id.

    Raises:
        ValueError: it is no id.
    """
    shard, colon, entry = id_.partition(":")
    first, _, second = entry.partition("-")
    if not colon or not shard.isdigit() or not first.isdigit() or not second.isdigit():
        raise ValueError(f"{id_}: an id looks like 00:1795320171366-0")
    return int(shard), entry


def _letter(shard: int, entry: str, fields: Mapping[str, str]) -> DeadLetter:
    return DeadLetter(
        insurer_id=fields["insurer"],
        request_id=UUID(fields["request"]),
        deliveries=int(fields["deliveries"]),
        reason=fields["reason"],
        trace=fields["trace"],
        at=datetime.fromisoformat(fields["at"]),
        id=f"{shard:02}:{entry}",
    )
