"""The answer to a subject's request (152-ФЗ, articles 14 and 20): what is kept, its source, its recipients, its terms, its consent.

It has no value of an application: the service that asked has those, and shows them to its customer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from app.codecs.consent_codec import ConsentProof
from app.domain.subjects.data_subject import DataCategory, SubjectRole, in_order
from app.domain.subjects.purge import CATEGORIES_OF_REQUEST, Purge, PurgedPerson
from app.postgres.database import Pool, reading
from app.postgres.erasure import StoredRequest
from app.postgres.personal.consent_rows import consents_of
from app.postgres.personal.purge_rows import purges_of_customer, purges_of_person, purges_of_requests
from app.postgres.personal.report_rows import StoredAnswer, answers_of, requests_by_id, requests_of_customer
from app.runtime.clock import Clock
from app.use_cases.personal.retention import Retention
from app.use_cases.personal.stored_people import PAGE_MAX, OpenedRequest, StoredPeople
from app.use_cases.personal.subject_identifiers import SubjectIdentifiers, SubjectKeys

_NOT_SENT: Final = frozenset({"INSURER_NOT_SUITED", "INSURER_PAUSED", "CIRCUIT_OPEN"})
"""Reasons of quotes that an insurer was not asked for."""


@dataclass(frozen=True, slots=True)
class Handover:
    """An insurer that the data went to, or was to go to. `answered_at` is None where it has not answered; `trail` says when it was asked."""

    insurer_id: str
    was_sent: bool
    answered_at: datetime | None
    trail: str | None


@dataclass(frozen=True, slots=True)
class Destruction:
    """A destruction of a person's data, by a record."""

    purge: Purge
    categories: tuple[DataCategory, ...]


@dataclass(frozen=True, slots=True)
class HeldRequest:
    """One request that a person's data stands in, or stood in. `categories` are those that are there now."""

    id: UUID
    service: str
    accepted_at: datetime
    is_of_customer: bool
    roles: tuple[SubjectRole, ...]
    categories: tuple[DataCategory, ...]
    application_until: datetime | None
    request_until: datetime | None
    handovers: tuple[Handover, ...]
    consent: ConsentProof | None
    consent_until: datetime | None
    destructions: tuple[Destruction, ...]


@dataclass(frozen=True, slots=True)
class ReportedPerson:
    """A person by the identifier, and every request that names the person."""

    id: str
    requests: tuple[HeldRequest, ...]


@dataclass(frozen=True, slots=True)
class SubjectReport:
    """About the people of a customer's requests. `unidentified`: requests of people that are not known any more."""

    made_at: datetime
    persons: tuple[ReportedPerson, ...]
    unidentified: tuple[HeldRequest, ...]

    @property
    def found(self) -> int:
        """How many requests it names."""
        held = [request.id for person in self.persons for request in person.requests]
        return len({*held, *(request.id for request in self.unidentified)})


@dataclass(slots=True)
class _Facts:
    """All that is known of some requests, by their ids."""

    stored: dict[UUID, OpenedRequest]
    purges: dict[UUID, list[Purge]]
    answers: dict[UUID, list[StoredAnswer]]
    consents: dict[UUID, tuple[ConsentProof | None, datetime]]

    def people(self, id_: UUID) -> dict[str, set[SubjectRole]]:
        """By identifier, with their roles: the application has them, or the records."""
        found: dict[str, set[SubjectRole]] = {}
        opened = self.stored.get(id_)
        named = list(opened.people or ()) if opened else []
        for purge in self.purges.get(id_, ()):
            named += _people_in(purge, id_)
        for person in named:
            found.setdefault(person.id, set()).update(person.roles)
        return found


class SubjectReporter:
    """Finds a customer's people in the customer's requests, destroyed ones too, and its policyholders in all others."""

    def __init__(self, pool: Pool, keys: SubjectKeys, people: StoredPeople, clock: Clock, retention: Retention) -> None:
        self._pool = pool
        self._keys = keys
        self._people = people
        self._clock = clock
        self._retention = retention

    async def report(self, customer_id: str, tenant: str | None = None, *, person: str | None = None) -> SubjectReport:
        """`person` is an identifier: the report is about this one alone.

        Raises:
            Unavailable: PostgreSQL is not there.
        """
        now, identifiers = self._clock.now(), await self._keys.current()
        own = await self._own(customer_id, tenant, identifiers)
        facts = await self._facts(own, identifiers)
        ids, holders = _named(own, facts)
        if person is not None:
            ids, holders = [one for one in ids if one == person], holders & {person}
        elsewhere = await self._elsewhere(set(own), holders, now, identifiers)
        others = await self._facts(elsewhere, identifiers)
        persons = [
            ReportedPerson(
                id_,
                (
                    *(self._held(one, id_, facts, is_own=True) for one in own if id_ in facts.people(one)),
                    *(
                        self._held(one, id_, others, is_own=False)
                        for one in elsewhere
                        if id_ in holders and id_ in others.people(one)
                    ),
                ),
            )
            for id_ in ids
        ]
        unknown = [one for one in own if not facts.people(one)] if person is None else []
        unidentified = tuple(self._held(one, None, facts, is_own=True) for one in unknown)
        return SubjectReport(now, tuple(persons), unidentified)

    async def report_person(self, identity: str) -> SubjectReport:
        """About a person that may be no customer, such as a driver; `identity` is that of a `DataSubject`.

        Raises:
            Unavailable: PostgreSQL is not there.
        """
        now, identifiers = self._clock.now(), await self._keys.current()
        if identifiers is None:
            return SubjectReport(now, (), ())
        id_ = identifiers.of_person(identity)
        found = await self._elsewhere(set(), {id_}, now, identifiers)
        facts = await self._facts(found, identifiers)
        held = tuple(self._held(one, id_, facts, is_own=False) for one in found)
        return SubjectReport(now, (ReportedPerson(id_, held),) if held else (), ())

    async def _own(self, customer_id: str, tenant: str | None, identifiers: SubjectIdentifiers | None) -> list[UUID]:
        """The customer's requests, in the order in which they were accepted; those that are gone by their records."""
        after, found = UUID(int=0), list[UUID]()
        while True:
            async with reading(self._pool) as connection:
                page = await requests_of_customer(connection, customer_id, tenant, after=after, most=PAGE_MAX)
            found += [stored.id for stored in page]
            if len(page) < PAGE_MAX:
                break
            after = page[-1].id
        if identifiers:
            customer = identifiers.of_customer(customer_id)
            async with reading(self._pool) as connection:
                purges = await purges_of_customer(connection, customer)
            found += [
                one.request
                for purge in purges
                for one in purge.requests
                if one.customer == customer and tenant in {None, one.tenant}
            ]
        return sorted(set(found))

    async def _elsewhere(
        self, own: set[UUID], holders: set[str], now: datetime, identifiers: SubjectIdentifiers | None
    ) -> list[UUID]:
        """Requests of other customers that name one of these people: all applications are opened for it."""
        if not holders:
            return []
        found: set[UUID] = set()
        async for opened in self._people.all(now, identifiers):
            if any(person.id in holders for person in opened.people or ()):
                found.add(opened.stored.id)
        for id_ in holders:
            async with reading(self._pool) as connection:
                purges = await purges_of_person(connection, id_)
            found.update(
                one.request
                for purge in purges
                for one in purge.requests
                if any(person.id == id_ for person in one.people or ())
            )
        return sorted(found - own)

    async def _facts(self, ids: Sequence[UUID], identifiers: SubjectIdentifiers | None) -> _Facts:
        facts = _Facts({}, {}, {}, {})
        for first in range(0, len(ids), PAGE_MAX):
            page = ids[first : first + PAGE_MAX]
            async with reading(self._pool) as connection:
                for stored in await requests_by_id(connection, page):
                    facts.stored[stored.id] = self._people.open(stored, identifiers)
                for answer in await answers_of(connection, page):
                    facts.answers.setdefault(answer.request_id, []).append(answer)
                for consent in await consents_of(connection, page):
                    facts.consents[consent.request_id] = self._people.open_consent(consent), consent.accepted_at
                wanted = set(page)
                for purge in await purges_of_requests(connection, page):
                    for one in purge.requests:
                        if one.request in wanted:
                            facts.purges.setdefault(one.request, []).append(purge)
        return facts

    def _held(self, id_: UUID, person: str | None, facts: _Facts, *, is_own: bool) -> HeldRequest:
        opened, purges = facts.stored.get(id_), facts.purges.get(id_, [])
        service, accepted_at = _origin(id_, opened, purges)
        consent, consent_at = facts.consents.get(id_, (opened.consent if opened else None, None))
        roles = facts.people(id_).get(person, set[SubjectRole]()) if person else set[SubjectRole]()
        is_holder = person is None or SubjectRole.POLICYHOLDER in roles
        kept: set[DataCategory] = set()
        if opened:
            kept.update(*(one.categories for one in opened.people or () if one.id == person))
            kept.update(CATEGORIES_OF_REQUEST if is_holder else ())
        kept.update({DataCategory.CONSENT} if consent and is_holder else ())
        has_application = opened is not None and opened.stored.application is not None
        return HeldRequest(
            id=id_,
            service=service,
            accepted_at=accepted_at,
            is_of_customer=is_own,
            roles=tuple(role for role in SubjectRole if role in roles),
            categories=in_order(kept),
            application_until=accepted_at + self._retention.applications if has_application else None,
            request_until=accepted_at + self._retention.offers if opened else None,
            handovers=_handovers(opened.stored if opened else None, facts.answers.get(id_, ()), consent),
            consent=consent,
            consent_until=(consent_at or accepted_at) + self._retention.offers if consent else None,
            destructions=tuple(_destructions(id_, person, purges)),
        )


def _named(own: Sequence[UUID], facts: _Facts) -> tuple[list[str], set[str]]:
    """The people of these requests, and those of them that are policyholders."""
    named = [(person, roles) for id_ in own for person, roles in facts.people(id_).items()]
    return list(dict.fromkeys(person for person, _ in named)), {
        person for person, roles in named if SubjectRole.POLICYHOLDER in roles
    }


def _people_in(purge: Purge, id_: UUID) -> list[PurgedPerson]:
    return [person for one in purge.requests if one.request == id_ for person in one.people or ()]


def _origin(id_: UUID, opened: OpenedRequest | None, purges: Sequence[Purge]) -> tuple[str, datetime]:
    """The calling service, and when it was accepted."""
    if opened:
        return opened.stored.tenant, opened.stored.created_at
    (record, *_) = [one for purge in purges for one in purge.requests if one.request == id_]
    return record.tenant, record.since


def _handovers(
    stored: StoredRequest | None, answers: Sequence[StoredAnswer], consent: ConsentProof | None
) -> tuple[Handover, ...]:
    """By the quotes; once these are gone, the recipients that the consent names."""
    answered = {one.insurer_id: one for one in answers}
    recipients = stored.insurers if stored else consent.recipients if consent else ()
    return tuple(
        Handover(
            id_, not (one and one.reason in _NOT_SENT), one.received_at if one else None, one.trail if one else None
        )
        for id_ in recipients
        for one in [answered.get(id_)]
    )


def _destructions(id_: UUID, person: str | None, purges: Sequence[Purge]) -> list[Destruction]:
    found: list[Destruction] = []
    for purge in purges:
        people = [one for one in _people_in(purge, id_) if one.id == person]
        if people or person is None or not _people_in(purge, id_):
            categories = {category for one in people for category in one.categories}
            found.append(Destruction(purge, in_order(categories) or purge.categories))
    return found
