"""The audit of reports about personal data: each stands in it before it is printed, a customer by the identifier."""

import structlog

from app.domain.operators.control import AuditAction, AuditEntry
from app.postgres.control_rows import record_action
from app.postgres.database import Pool, connected
from app.runtime.clock import Clock
from app.use_cases.personal.subject_identifiers import SubjectKeys

log = structlog.get_logger(__name__)


class ReportAudit:
    """Writes entries."""

    def __init__(self, pool: Pool, keys: SubjectKeys, clock: Clock) -> None:
        self._pool = pool
        self._keys = keys
        self._clock = clock

    async def of_customer(self, report: str, author: str, customer_id: str, found: int) -> None:
        """A report about a customer, which named so many requests.

        Raises:
            Unavailable: PostgreSQL is not there; nothing is to be printed then.
        """
        identifiers = await self._keys.current()
        await self.of_time(report, author, identifiers.of_customer(customer_id) if identifiers else "", found)

    async def of_person(self, report: str, author: str, identity: str, found: int) -> None:
        """A report about a person that need not be a customer.

        Raises:
            Unavailable: PostgreSQL is not there; nothing is to be printed then.
        """
        identifiers = await self._keys.current()
        await self.of_time(report, author, identifiers.of_person(identity) if identifiers else "", found)

    async def of_time(self, report: str, author: str, subject: str, found: int) -> None:
        """A report about a time, or about what `subject` identifies.

        Raises:
            Unavailable: PostgreSQL is not there; nothing is to be printed then.
        """
        entry = AuditEntry(self._clock.now(), AuditAction.REPORTED, report, subject, author, setting=f"found {found}")
        async with connected(self._pool) as connection:
            await record_action(connection, entry)
        log.info("data.reported", report=report, author=author, found=found)
