"""Opens stored applications and consents for reports: the people of each, by their identifiers."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import msgspec

from app.codecs.application_codec import UnknownForm, decode_application
from app.codecs.consent_codec import ConsentProof, decode_consent
from app.domain.subjects.purge import PurgedPerson
from app.postgres.cipher import Cipher, Undecryptable
from app.postgres.database import Pool, reading
from app.postgres.erasure import StoredRequest
from app.postgres.personal.consent_rows import StoredConsent
from app.postgres.personal.report_rows import stored_applications
from app.use_cases.personal.purge_records import CONSENTS, people_of
from app.use_cases.personal.subject_identifiers import SubjectIdentifiers

PAGE_MAX: Final = 500
_BEGINNING: Final = (datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0))


@dataclass(frozen=True, slots=True)
class OpenedRequest:
    """A stored request, the people of its application, and the consent. `people` is None where they are not known."""

    stored: StoredRequest
    people: tuple[PurgedPerson, ...] | None
    consent: ConsentProof | None


class StoredPeople:
    """Reads page by page. Nothing of an application leaves it but identifiers, kinds of data and the consent."""

    def __init__(self, pool: Pool, cipher: Cipher) -> None:
        self._pool = pool
        self._cipher = cipher
        self._consents = cipher.derived(CONSENTS)

    def open(self, stored: StoredRequest, identifiers: SubjectIdentifiers | None) -> OpenedRequest:
        """The people of the application; none where it is destroyed, or no key opens it."""
        if stored.application is None:
            return OpenedRequest(stored, None, None)
        try:
            application = decode_application(self._cipher.open(stored.id, stored.application))
        except (Undecryptable, UnknownForm, msgspec.DecodeError):
            return OpenedRequest(stored, None, None)
        consent = ConsentProof(application.consent, stored.insurers) if application.consent else None
        return OpenedRequest(stored, people_of(application, identifiers), consent)

    def open_consent(self, stored: StoredConsent) -> ConsentProof | None:
        """The consent; None where no known key opens it."""
        try:
            return decode_consent(self._consents.open(stored.request_id, stored.sealed))
        except (Undecryptable, msgspec.DecodeError):
            return None

    async def all(
        self, accepted_before: datetime, identifiers: SubjectIdentifiers | None
    ) -> AsyncIterator[OpenedRequest]:
        """Every request that still has its application; some 20,000 a second.

        Raises:
            Unavailable: PostgreSQL is not there.
        """
        after = _BEGINNING
        while True:
            async with reading(self._pool) as connection:
                page = await stored_applications(connection, accepted_before, after=after, most=PAGE_MAX)
            if not page:
                return
            for stored in page:
                yield self.open(stored, identifiers)
            after = (page[-1].created_at, page[-1].id)
