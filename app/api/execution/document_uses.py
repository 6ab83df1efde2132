"""Which trusted documents were asked for, and which ids that no document has: noted here, and in Redis every few seconds."""

import contextlib
import re
from collections.abc import Collection
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from app.domain.errors import RedisAway
from app.redis.fleet.document_use_log import DocumentUseLog
from app.runtime.clock import Clock
from app.runtime.periodic import periodic
from app.runtime.supervision import Part

NOTED_MAX: Final = 100
"""Unknown ids between two deliveries: callers choose them."""
DELIVER_EVERY_S: Final = 5.0
KNOWN_EVERY_S: Final = 600.0
"""So soon after Redis has lost its notes, each trusted document is known again."""
_DIGEST: Final = re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}")
"""Any other id might hold what a caller should not have put there."""


@dataclass(frozen=True, slots=True)
class NotedUses:
    """Ids."""

    used: AbstractSet[str]
    unknown: AbstractSet[str]


class DocumentUses:
    """Notes of one process."""

    def __init__(self) -> None:
        self._used = set[str]()
        self._unknown = set[str]()

    def note(self, id_: str) -> None:
        """A trusted document was asked for."""
        self._used.add(id_)

    def note_unknown(self, id_: str) -> None:
        """A document was asked for that is not among the trusted ones. Only what looks like a hash is noted."""
        if len(self._unknown) < NOTED_MAX and _DIGEST.fullmatch(id_):
            self._unknown.add(id_)

    def take(self) -> NotedUses:
        """The notes up to now; they are gone from here."""
        taken = NotedUses(self._used, self._unknown)
        self._used, self._unknown = set[str](), set[str]()
        return taken

    def put_back(self, taken: NotedUses) -> None:
        """They could not be delivered."""
        self._used |= taken.used
        self._unknown |= taken.unknown


class DocumentUseReporter:
    """Delivers the notes of one process, and which trusted documents it has."""

    def __init__(self, uses: DocumentUses, trusted_ids: Collection[str], log: DocumentUseLog, clock: Clock) -> None:
        self._uses = uses
        self._trusted_ids = trusted_ids
        self._log = log
        self._clock = clock
        self._known_due_s = 0.0

    def parts(self) -> list[Part]:
        """None where there are no trusted documents."""
        if not self._trusted_ids:
            return []
        return [periodic("document-uses", self.deliver, every_s=DELIVER_EVERY_S, clock=self._clock)]

    async def deliver(self) -> None:
        """Delivers what is new.

        Raises:
            RedisAway: Redis is not there; the notes stay for the next time.
        """
        taken, now_s = self._uses.take(), self._clock.monotonic()
        is_due = now_s >= self._known_due_s
        if not (is_due or taken.used or taken.unknown):
            return
        known = self._trusted_ids if is_due else ()
        try:
            await self._log.note(known=known, used=taken.used, unknown=taken.unknown)
        except RedisAway:
            self._uses.put_back(taken)
            raise
        if is_due:
            self._known_due_s = now_s + KNOWN_EVERY_S

    async def leave(self) -> None:
        """The process ends as it should."""
        if self._trusted_ids:
            with contextlib.suppress(RedisAway):
                await self.deliver()
