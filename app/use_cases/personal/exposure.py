"""How many subjects, and which kinds of data, a leak in a time would touch: what a notice to the authority has to say in 24 and 72 hours.

It counts the data of that time that is stored, and data that was destroyed since, by its records.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from app.domain.subjects.data_subject import DataCategory
from app.domain.subjects.purge import Purge, PurgedKind, PurgedPerson, PurgedRequest
from app.postgres.database import Pool, reading
from app.postgres.personal.purge_rows import purges_between
from app.postgres.personal.report_rows import count_consents, customers_page
from app.runtime.clock import Clock
from app.use_cases.personal.stored_people import PAGE_MAX, StoredPeople
from app.use_cases.personal.subject_identifiers import SubjectIdentifiers, SubjectKeys

_PURGES_MAX: Final = 50
"""Records read at once: each may name 500 requests."""
_BITS: Final[Mapping[DataCategory, int]] = {category: 1 << place for place, category in enumerate(DataCategory)}
_NO_ID: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Exposure:
    """The data that was stored between two moments.

    `categories`: how many subjects of each kind of data. `applications` by the key that sealed them, "" where they are destroyed since.
    `unknown`: applications of unknown people, since no key opens them or an earlier release destroyed them.
    """

    begin: datetime
    end: datetime
    subjects: int
    categories: Mapping[DataCategory, int]
    customers: int
    requests: Mapping[str, int]
    consents: int
    applications: Mapping[str, int]
    unknown: int


@dataclass(slots=True)
class _Tally:
    """Kinds of data by subject, as bits: there may be millions of them."""

    subjects: dict[bytes, int] = field(default_factory=dict[bytes, int])
    customers: set[bytes] = field(default_factory=set[bytes])
    requests: Counter[str] = field(default_factory=Counter[str])
    applications: Counter[str] = field(default_factory=Counter[str])
    consents: int = 0
    unknown: int = 0

    def add_people(self, people: tuple[PurgedPerson, ...] | None) -> None:
        """None counts as an application of unknown people."""
        if people is None:
            self.unknown += 1
            return
        for person in people:
            id_ = bytes.fromhex(person.id)
            bits = sum(_BITS[category] for category in person.categories)
            self.subjects[id_] = self.subjects.get(id_, 0) | bits

    def add_destroyed(self, purge: Purge, one: PurgedRequest) -> None:
        """A request by the record of its destruction."""
        if purge.kind is PurgedKind.APPLICATION:
            self.applications[""] += 1
            self.add_people(one.people)
        elif purge.kind is PurgedKind.CONSENT:
            self.consents += 1
            self.add_people(one.people or ())
        else:
            self.requests[one.tenant] += 1
            if one.customer:
                self.customers.add(bytes.fromhex(one.customer))
            if any(DataCategory.NAME in person.categories for person in one.people or ()):
                self.applications[""] += 1
            self.add_people(one.people or ())

    def categories(self) -> dict[DataCategory, int]:
        counts = Counter(self.subjects.values())
        return {
            category: sum(count for bits, count in counts.items() if bits & bit)
            for category, bit in _BITS.items()
            if any(bits & bit for bits in counts)
        }


class ExposureCounter:
    """Goes through all that is stored, page by page, and through the records of destruction."""

    def __init__(self, pool: Pool, keys: SubjectKeys, people: StoredPeople, clock: Clock) -> None:
        self._pool = pool
        self._keys = keys
        self._people = people
        self._clock = clock

    async def count(self, begin: datetime, end: datetime) -> Exposure:
        """Counts the data that was stored at some moment from `begin` until `end`.

        Raises:
            Unavailable: PostgreSQL is not there.
        """
        identifiers, tally = await self._keys.current(), _Tally()
        async for opened in self._people.all(end, identifiers):
            sealed = opened.stored.application
            tally.applications[sealed.key_id if sealed else ""] += 1
            tally.add_people(opened.people)
        await self._count_customers(tally, end, identifiers)
        async with reading(self._pool) as connection:
            tally.consents += await count_consents(connection, end)
        await self._count_destroyed(tally, begin, end)
        return Exposure(
            begin=begin,
            end=end,
            subjects=len(tally.subjects),
            categories=tally.categories(),
            customers=len(tally.customers),
            requests=dict(sorted(tally.requests.items())),
            consents=tally.consents,
            applications=dict(sorted(tally.applications.items())),
            unknown=tally.unknown,
        )

    async def _count_customers(self, tally: _Tally, end: datetime, identifiers: SubjectIdentifiers | None) -> None:
        after = ("", "")
        while True:
            async with reading(self._pool) as connection:
                page = await customers_page(connection, end, after=after, most=PAGE_MAX)
            for customer_id, tenant, held in page:
                if held:
                    tally.requests[tenant] += held
                    id_ = bytes.fromhex(identifiers.of_customer(customer_id)) if identifiers else customer_id.encode()
                    tally.customers.add(id_)
            if len(page) < PAGE_MAX:
                return
            after = page[-1][:2]

    async def _count_destroyed(self, tally: _Tally, begin: datetime, end: datetime) -> None:
        after = (datetime(1970, 1, 1, tzinfo=UTC), _NO_ID)
        until = self._clock.now()
        while True:
            async with reading(self._pool) as connection:
                page = await purges_between(connection, begin, until, after=after, most=_PURGES_MAX)
            for purge in page:
                for one in purge.requests:
                    if one.since < end:
                        tally.add_destroyed(purge, one)
            if len(page) < _PURGES_MAX:
                return
            after = (page[-1].at, page[-1].id)
