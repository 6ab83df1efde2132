"""Makes the record of what is about to be destroyed, and the consents that stay behind: the last look at an application."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from app.codecs.application_codec import UnknownForm, decode_application
from app.codecs.consent_codec import ConsentProof, encode_consent
from app.domain.application import Application
from app.domain.ids import uuid7
from app.domain.subjects.data_subject import DataCategory, SubjectRole, data_subjects
from app.domain.subjects.purge import Purge, PurgedKind, PurgedPerson, PurgedRequest, PurgeMethod, PurgeReason
from app.postgres.cipher import Cipher, Undecryptable
from app.postgres.erasure import StoredRequest
from app.postgres.personal.consent_rows import StoredConsent
from app.use_cases.personal.subject_identifiers import SubjectIdentifiers

CONSENTS: Final = "consents"
"""The purpose of the keys that seal consents."""
_AT_ONCE: Final = 16
"""Applications are opened so many at a time: others of this process have their turn in between."""


@dataclass(frozen=True, slots=True)
class Operator:
    """The operator and the information system that an act of destruction names."""

    name: str
    system: str


@dataclass(slots=True)
class Assessed:
    """The entries of a record for each request, and the consents to be kept."""

    requests: list[PurgedRequest] = field(default_factory=list[PurgedRequest])
    consents: list[StoredConsent] = field(default_factory=list[StoredConsent])


class PurgeRecorder:
    """Opens what is about to be destroyed."""

    def __init__(self, cipher: Cipher, operator: Operator) -> None:
        self._cipher = cipher
        self._consents = cipher.derived(CONSENTS)
        self._operator = operator

    async def assess(self, stored: Sequence[StoredRequest], identifiers: SubjectIdentifiers | None) -> Assessed:
        """Reads what is there of each request. An application that no key opens leaves no people and no consent."""
        assessed = Assessed()
        for number, one in enumerate(stored, 1):
            application = self._open(one)
            people = None if application is None else people_of(application, identifiers)
            customer = identifiers.of_customer(one.customer_id) if identifiers else None
            assessed.requests.append(PurgedRequest(one.id, one.created_at, one.tenant, customer, people))
            if application is not None and application.consent is not None:
                proof = ConsentProof(application.consent, one.insurers)
                sealed = self._consents.seal(one.id, encode_consent(proof))
                assessed.consents.append(StoredConsent(one.id, one.tenant, one.created_at, sealed))
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
        return assessed

    def record(
        self, kind: PurgedKind, reason: PurgeReason, now: datetime, requests: Sequence[PurgedRequest], actor: str = ""
    ) -> Purge:
        """The record of these requests."""
        is_by_key = reason is PurgeReason.KEY_DESTROYED
        return Purge(
            id=uuid7(now),
            reason=reason,
            kind=kind,
            at=now,
            operator=self._operator.name,
            system=self._operator.system,
            method=PurgeMethod.KEY_DESTROYED if is_by_key else PurgeMethod.ROWS_DELETED,
            actor=actor,
            requests=tuple(requests),
        )

    def _open(self, one: StoredRequest) -> Application | None:
        if one.application is None:
            return None
        try:
            return decode_application(self._cipher.open(one.id, one.application))
        except (Undecryptable, UnknownForm, msgspec.DecodeError):
            return None


def people_of(application: Application, identifiers: SubjectIdentifiers | None) -> tuple[PurgedPerson, ...] | None:
    """The people of an application by their identifiers; None where nothing makes identifiers."""
    if identifiers is None:
        return None
    return tuple(
        PurgedPerson(identifiers.of_person(subject.identity), subject.roles, subject.categories)
        for subject in data_subjects(application)
    )


def follow_up(
    request_id: UUID, since: datetime, tenant: str, earlier: Mapping[UUID, PurgedRequest], *categories: DataCategory
) -> PurgedRequest:
    """The entry of a request without its application: these categories, of the policyholder of an earlier record."""
    before = earlier.get(request_id)
    if before is None or before.people is None:
        return PurgedRequest(request_id, since, tenant, before.customer if before else None)
    people = tuple(
        PurgedPerson(person.id, (SubjectRole.POLICYHOLDER,), categories)
        for person in before.people
        if SubjectRole.POLICYHOLDER in person.roles
    )
    return PurgedRequest(request_id, since, tenant, before.customer, people)


def by_request(purges: Sequence[Purge]) -> dict[UUID, PurgedRequest]:
    """Each request as the earliest of these records has it: that one saw the application."""
    found: dict[UUID, PurgedRequest] = {}
    for purge in purges:
        for one in purge.requests:
            found.setdefault(one.request, one)
    return found
