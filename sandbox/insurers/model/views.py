"""What the sandbox reports of itself: the same values from the handle in Python and from the control API."""

from datetime import UTC, datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class _View(BaseModel, frozen=True):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, extra="forbid")


class Settings(_View, frozen=True):
    """They hold for applications that come from now on; what is under way keeps its fate."""

    seed: int = Field(default=1, ge=0, le=2**63 - 1, description="Another seed draws every fate anew.")
    time_scale: float = Field(default=1.0, ge=0, le=1000, description="Multiplies every random latency.")
    calm: bool = Field(default=False, description="No random faults and no random refusals.")
    latency_least_s: float = Field(default=0.0, ge=0, le=600, description="No answer is there sooner.")
    latency_most_s: float = Field(default=600.0, ge=0, le=600, description="No random latency is longer.")
    token_ttl_s: float = Field(default=300.0, gt=0, le=86_400, description="How long an OAuth2 token holds.")


class SettingsChange(_View, frozen=True):
    """What is left out stays as it is."""

    seed: int | None = Field(default=None, ge=0, le=2**63 - 1)
    time_scale: float | None = Field(default=None, ge=0, le=1000)
    calm: bool | None = None
    latency_least_s: float | None = Field(default=None, ge=0, le=600)
    latency_most_s: float | None = Field(default=None, ge=0, le=600)
    token_ttl_s: float | None = Field(default=None, gt=0, le=86_400)


class KeySeen(_View, frozen=True):
    """What came under one idempotency key."""

    key: str
    creates: int
    polls: int
    callbacks: int = Field(default=0, description="Calls back that were taken, answered with a 2xx.")
    application_ids: dict[str, str] = Field(description="By insurer; empty while no insurer has the application.")
    statuses: dict[str, int] = Field(description="How often each was answered; `none`: the caller got no status.")
    first_at: datetime
    last_at: datetime


class Second(_View, frozen=True):
    """One second with calls."""

    begins_at: datetime
    creates: int
    polls: int

    @classmethod
    def at(cls, second: int, creates: int, polls: int) -> Self:
        return cls(begins_at=datetime.fromtimestamp(second, UTC), creates=creates, polls=polls)


class InsurerSeen(_View, frozen=True):
    """What came to one insurer."""

    insurer: str
    creates: int
    polls: int
    applications: int = Field(description="Applications taken in: one for each key.")
    tokens: int = Field(default=0, description="OAuth2 tokens given out.")
    statuses: dict[str, int] = Field(description="How often each was answered; `none`: the caller got no status.")
    calls_now: int
    calls_at_once_most: int
    seconds: list[Second] = Field(description="The last ten minutes, without the seconds without calls.")
