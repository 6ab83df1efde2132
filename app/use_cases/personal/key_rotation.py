"""Sealing anew, with the first key, what another one has sealed: applications, consents, links, the key of identifiers."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from app.postgres.cipher import Cipher, Sealed, Undecryptable
from app.postgres.database import Pool, connected
from app.postgres.erasure import reseal, sealed_otherwise
from app.postgres.personal.consent_rows import consents_sealed_otherwise, reseal_consents
from app.use_cases.link_sealing import LinkSealing
from app.use_cases.personal.purge_records import CONSENTS
from app.use_cases.personal.subject_identifiers import SubjectKeys

BATCH_MAX: Final = 500
_BEGINNING: Final = (datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0))


@dataclass(frozen=True, slots=True)
class Rotation:
    """The result of a rotation: how much was sealed anew, and how much no key opens; the identifiers' key apart."""

    resealed: int
    consents: int
    links: int
    unreadable: int
    has_identifiers: bool


class KeyRotation:
    """Runs in small batches, beside the work that goes on."""

    def __init__(self, pool: Pool, cipher: Cipher, keys: SubjectKeys, links: LinkSealing) -> None:
        self._pool = pool
        self._cipher = cipher
        self._consents = cipher.derived(CONSENTS)
        self._keys = keys
        self._links = links

    async def rotate(self) -> Rotation:
        """Seals with the first key what another key has sealed.

        Raises:
            Unavailable: PostgreSQL is not there; call again, and it goes on.
        """
        has_identifiers = await self._keys.rotate()
        resealed, unreadable = await self._applications()
        consents, unreadable_consents = await self._stored_consents()
        links, unreadable_links = await self._links.rotate()
        unreadable += unreadable_consents + unreadable_links
        return Rotation(resealed, consents, links, unreadable, has_identifiers)

    async def _applications(self) -> tuple[int, int]:
        after, resealed, unreadable = _BEGINNING, 0, 0
        while True:
            async with connected(self._pool) as connection:
                page = await sealed_otherwise(connection, self._cipher.key_id, after=after, most=BATCH_MAX)
                if not page:
                    return resealed, unreadable
                opened = [(one, box) for one in page if (box := _resealed(self._cipher, one.id, one.application))]
                await reseal(connection, [one for one, _ in opened], [box for _, box in opened])
            resealed += len(opened)
            unreadable += len(page) - len(opened)
            after = (page[-1].created_at, page[-1].id)

    async def _stored_consents(self) -> tuple[int, int]:
        after, resealed, unreadable = _BEGINNING, 0, 0
        while True:
            async with connected(self._pool) as connection:
                page = await consents_sealed_otherwise(connection, self._consents.key_id, after=after, most=BATCH_MAX)
                if not page:
                    return resealed, unreadable
                opened = [(one, box) for one in page if (box := _resealed(self._consents, one.request_id, one.sealed))]
                await reseal_consents(connection, [one for one, _ in opened], [box for _, box in opened])
            resealed += len(opened)
            unreadable += len(page) - len(opened)
            after = (page[-1].accepted_at, page[-1].request_id)


def _resealed(cipher: Cipher, request_id: UUID, sealed: Sealed) -> Sealed | None:
    try:
        return cipher.seal(request_id, cipher.open(request_id, sealed))
    except Undecryptable:
        return None
