"""What an adapter is: it puts an application on an insurer's wire, and reads what comes back into domain values.

Time-outs, retries, limits, the circuit, the deadline and sizes are not its business: they stand around it.
"""

import re
from dataclasses import dataclass
from typing import Final, Protocol

from app.domain.application import Application
from app.domain.links import https_url
from app.domain.quote import Answer

__all__ = ["Adapter", "Created", "https_url", "plain_code"]

_PLAIN_CODE: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True)
class Created:
    """The insurer has taken the application in, and answers later under this id of its own."""

    application_id: str


class Adapter(Protocol):
    """One insurer's API. Every method raises the `InsurerError` that says what to do."""

    async def create(self, application: Application, idempotency_key: str) -> Created | Answer:
        """Hands the application in. The same key always means the same application, whoever calls again."""
        ...

    async def poll(self, application_id: str) -> Answer | None:
        """The answer, None while the insurer is still at it."""
        ...


def plain_code(text: str | None) -> str | None:
    """An insurer's own code if it is one; free text may echo personal data and is dropped."""
    return text if text is not None and _PLAIN_CODE.fullmatch(text) else None
