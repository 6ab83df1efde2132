"""Records of destruction, with what order 179 of Roskomnadzor of 28.10.2022 asks of an act and of an export of a journal.

A person stands in it as an identifier: the order asks for a name "or other information that belongs to a certain person".
"""

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from app.domain.subjects.data_subject import DataCategory, SubjectRole, in_order


class PurgeReason(StrEnum):
    """Why something was destroyed."""

    RETENTION = "retention"
    FORGOTTEN = "forgotten"
    CONSENT_WITHDRAWN = "consent-withdrawn"
    KEY_DESTROYED = "key-destroyed"


class PurgedKind(StrEnum):
    """The destroyed data: the application alone, the request with its quotes (and application, if still there), the consent."""

    APPLICATION = "application"
    REQUEST = "request"
    CONSENT = "consent"


class PurgeMethod(StrEnum):
    """How it was destroyed."""

    ROWS_DELETED = "rows-deleted"
    KEY_DESTROYED = "key-destroyed"


CATEGORIES_OF_REQUEST: Final = (DataCategory.CUSTOMER_ID, DataCategory.OFFERS)
"""Beside those of an application that was still there."""


class PurgedPerson(msgspec.Struct, frozen=True):
    """A person in a record of destruction. `id`: the identifier, 32 hexadecimal digits."""

    id: str
    roles: tuple[SubjectRole, ...]
    categories: tuple[DataCategory, ...]


class PurgedRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """One request in a record.

    `customer` is the identifier of its customer, and None where no key makes one. `people` is None where they are not known: a release
    before this one has destroyed the application, or no key opens it.
    """

    request: UUID
    since: datetime
    tenant: str
    customer: str | None = None
    people: tuple[PurgedPerson, ...] | None = None


class Purge(msgspec.Struct, frozen=True):
    """A record: one for each batch that is destroyed. `actor` is empty where no command did it."""

    id: UUID
    reason: PurgeReason
    kind: PurgedKind
    at: datetime
    operator: str
    system: str
    method: PurgeMethod
    actor: str
    requests: tuple[PurgedRequest, ...]

    @property
    def categories(self) -> tuple[DataCategory, ...]:
        """The categories of all that was destroyed."""
        found = {category for one in self.requests for person in one.people or () for category in person.categories}
        if self.kind is PurgedKind.REQUEST:
            found.update(CATEGORIES_OF_REQUEST)
        if self.kind is PurgedKind.CONSENT:
            found = {DataCategory.CONSENT}
        return in_order(found)
