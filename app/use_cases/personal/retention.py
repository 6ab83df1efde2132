"""How long personal data is kept."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Retention:
    """How long an application is kept, and how long requests, quotes and consents are."""

    applications: timedelta
    offers: timedelta
