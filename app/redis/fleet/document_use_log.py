"""Which trusted documents are used, as all API processes have noted it. It moves nothing, and may be lost: then it begins anew."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from app.redis import keys
from app.redis.lua_scripts import DOCUMENT_USES, NOTE_DOCUMENTS
from app.redis.redis_client import RedisClient

KEPT_MS: Final = 400 * 86_400_000
TRUSTED_MAX: Final = 10_000
"""Five times as many as one process may have: files change."""
UNKNOWN_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class DocumentUseReport:
    """By id, in seconds of Redis's time since 1970: since when a process has had it, when it was asked for last."""

    now_s: int
    since: Mapping[str, float]
    used: Mapping[str, float]
    unknown: Mapping[str, float]
    """Ids that callers have asked for, and that no document had."""


class DocumentUseLog:
    """The notes in one Redis. Every method raises RedisAway."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client

    async def note(self, *, known: Collection[str], used: Collection[str], unknown: Iterable[str]) -> None:
        """Adds to the notes: trusted ids that a process has, those of them that were used, and ids that it does not know."""
        limits = (KEPT_MS, TRUSTED_MAX, UNKNOWN_MAX, len(known), len(used))
        await NOTE_DOCUMENTS.run(self._client, _names(), [*limits, *known, *used, *unknown])

    async def read(self) -> DocumentUseReport:
        """All that is noted."""
        now_s, *found = await DOCUMENT_USES.run(self._client, _names(), [])
        since, used, unknown = (_moments(one) for one in found)
        return DocumentUseReport(now_s, since, used, unknown)


def _names() -> list[str]:
    return [keys.documents_known(), keys.documents_used(), keys.documents_unknown()]


def _moments(pairs: list[str]) -> Mapping[str, float]:
    return {id_: float(at_s) for id_, at_s in zip(pairs[::2], pairs[1::2], strict=True)}
