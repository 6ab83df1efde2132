"""The tables. `osago_quotes` holds settled quotes only, and its primary key is the fence: one per request and insurer."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel


def _moment(*, nullable: bool = False) -> Column[datetime]:
    return Column(DateTime(timezone=True), nullable=nullable)


def _text(*, nullable: bool = False) -> Column[str]:
    return Column(Text, nullable=nullable)


class RequestRow(SQLModel, table=True):
    """A quote request; open while `completed_at` is null."""

    __tablename__: ClassVar[str] = "osago_requests"  # pyright: ignore[reportIncompatibleVariableOverride]
    __table_args__ = (
        # What makes a repeat safe, also when two arrive at once.
        Index(
            "osago_requests_client_reference",
            "tenant",
            "client_reference",
            unique=True,
            postgresql_where=text("client_reference IS NOT NULL"),
        ),
        # What the sweeper and the recovery look through: only what is open.
        # What retention and key rotation look through: only what still has its application.
        Index("osago_requests_purgeable", "created_at", "id", postgresql_where=text("application IS NOT NULL")),
        # What the end of requests looks through: only what has lost its application.
        Index("osago_requests_destroyable", "created_at", "id", postgresql_where=text("application IS NULL")),
        Index("osago_requests_customer", "customer_id"),
        Index("osago_requests_open", "expires_at", postgresql_where=text("completed_at IS NULL")),
        # For subscriptions to a customer.
        Index(
            "osago_requests_open_of_customer", "tenant", "customer_id", postgresql_where=text("completed_at IS NULL")
        ),
        # For a bridge that has to read what has ended since a gap in the feed.
        Index("osago_requests_completed", "completed_at", "id", postgresql_where=text("completed_at IS NOT NULL")),
        CheckConstraint("(completed_at IS NULL) = (outcome IS NULL)", name="osago_requests_ended_wholly"),
        CheckConstraint("cardinality(insurers) > 0", name="osago_requests_somebody_is_asked"),
    )

    id: UUID = Field(primary_key=True)
    tenant: str = Field(sa_column=_text())
    customer_id: str = Field(sa_column=_text())
    client_reference: str | None = Field(sa_column=_text(nullable=True))
    insurers: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    insurers_chosen: bool
    """The caller named them; otherwise all that were configured."""
    application: bytes | None = Field(sa_column=Column(LargeBinary, nullable=True))
    application_key_id: str | None = Field(sa_column=_text(nullable=True))
    created_at: datetime = Field(sa_column=_moment())
    expires_at: datetime = Field(sa_column=_moment())
    completed_at: datetime | None = Field(sa_column=_moment(nullable=True))
    outcome: str | None = Field(sa_column=_text(nullable=True))
    trace: str | None = Field(sa_column=_text(nullable=True))
    """The span that accepted it, in 32 characters, where it is traced."""


class QuoteRow(SQLModel, table=True):
    """A settled quote: it has an offer or a reason, and never changes."""

    __tablename__: ClassVar[str] = "osago_quotes"  # pyright: ignore[reportIncompatibleVariableOverride]
    __table_args__ = (
        CheckConstraint(
            "(status = 'OFFERED') = (offer IS NOT NULL) AND (offer IS NULL) = (reason IS NOT NULL)",
            name="osago_quotes_offer_or_reason",
        ),
        CheckConstraint(
            "status IN ('OFFERED', 'DECLINED', 'FAILED', 'UNAVAILABLE', 'TIMED_OUT', 'CANCELLED')",
            name="osago_quotes_settled",
        ),
        # What is looked through for links that a release before this one did not seal; empty soon after its last process.
        Index(
            "osago_quotes_links_in_clear", "request_id", "insurer_id", postgresql_where=text("offer ? 'purchaseUrl'")
        ),
    )

    request_id: UUID = Field(
        sa_column=Column(ForeignKey("osago_requests.id", ondelete="CASCADE"), primary_key=True, nullable=False)
    )
    insurer_id: str = Field(sa_column=Column(Text, primary_key=True, nullable=False))
    status: str = Field(sa_column=_text())
    offer: dict[str, object] | None = Field(sa_column=Column(JSONB, nullable=True))
    reason: dict[str, object] | None = Field(sa_column=Column(JSONB, nullable=True))
    received_at: datetime = Field(sa_column=_moment())
    trail: str | None = Field(sa_column=_text(nullable=True))
    """How the answer came about: steps, codes and durations of one worker, without personal data, at most 2 KiB."""


class OutboxRow(SQLModel, table=True):
    """Committed notices that Redis does not have yet; `kind` is `accepted` or `completed`."""

    __tablename__: ClassVar[str] = "osago_outbox"  # pyright: ignore[reportIncompatibleVariableOverride]
    __table_args__ = (
        CheckConstraint("kind IN ('accepted', 'completed')", name="osago_outbox_kind"),
        Index("osago_outbox_age", "created_at"),
    )

    request_id: UUID = Field(
        sa_column=Column(ForeignKey("osago_requests.id", ondelete="CASCADE"), primary_key=True, nullable=False)
    )
    kind: str = Field(sa_column=Column(Text, primary_key=True, nullable=False))
    created_at: datetime = Field(sa_column=_moment())


class PurgeRow(SQLModel, table=True):
    """A record of what was destroyed, with what order 179 of Roskomnadzor asks for. `subjects` has a part for each request."""

    __tablename__: ClassVar[str] = "osago_purges"  # pyright: ignore[reportIncompatibleVariableOverride]
    __table_args__ = (
        CheckConstraint(
            "reason IN ('retention', 'forgotten', 'consent-withdrawn', 'key-destroyed')", name="osago_purges_reason"
        ),
        CheckConstraint("kind IN ('application', 'request', 'consent')", name="osago_purges_kind"),
        Index("osago_purges_requests", "request_ids", postgresql_using="gin"),
        # For a person's or a customer's identifier.
        Index(
            "osago_purges_subjects",
            "subjects",
            postgresql_using="gin",
            postgresql_ops={"subjects": "jsonb_path_ops"},
        ),
        Index("osago_purges_moment", "purged_at", "id"),
    )

    id: UUID = Field(primary_key=True)
    reason: str = Field(sa_column=_text())
    kind: str = Field(sa_column=Column(Text, nullable=False, server_default="application"))
    request_ids: list[UUID] = Field(sa_column=Column(ARRAY(Uuid), nullable=False))
    purged_at: datetime = Field(sa_column=_moment())
    operator: str = Field(sa_column=Column(Text, nullable=False, server_default=""))
    system: str = Field(sa_column=Column(Text, nullable=False, server_default=""))
    method: str = Field(sa_column=Column(Text, nullable=False, server_default="rows-deleted"))
    actor: str = Field(sa_column=Column(Text, nullable=False, server_default=""))
    categories: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False, server_default="{}"))
    subjects: list[dict[str, object]] = Field(sa_column=Column(JSONB, nullable=False, server_default="[]"))


class ConsentRow(SQLModel, table=True):
    """The consent of an application that is destroyed; it outlives the request."""

    __tablename__: ClassVar[str] = "osago_consents"  # pyright: ignore[reportIncompatibleVariableOverride]
    __table_args__ = (Index("osago_consents_age", "accepted_at", "request_id"),)

    request_id: UUID = Field(primary_key=True)
    tenant: str = Field(sa_column=_text())
    accepted_at: datetime = Field(sa_column=_moment())
    consent: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    consent_key_id: str = Field(sa_column=_text())


class SubjectKeyRow(SQLModel, table=True):
    """The sealed key that identifiers of people are made with; there is one."""

    __tablename__: ClassVar[str] = "osago_subject_key"  # pyright: ignore[reportIncompatibleVariableOverride]
    __table_args__ = (CheckConstraint("one", name="osago_subject_key_one"),)

    one: bool = Field(primary_key=True)
    key_id: str = Field(sa_column=_text())
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class BridgePlaceRow(SQLModel, table=True):
    """How far a destination of `osago bridge` has got in a shard's feed: what comes up to `cursor` is delivered.

    `epoch` names the content and the server of Redis that it is of. With others, requests that ended after `since` are read here.
    """

    __tablename__: ClassVar[str] = "osago_bridge"  # pyright: ignore[reportIncompatibleVariableOverride]

    destination: str = Field(sa_column=Column(Text, primary_key=True, nullable=False))
    shard: int = Field(primary_key=True)
    cursor: str = Field(sa_column=_text())
    epoch: str = Field(sa_column=_text())
    since: datetime = Field(sa_column=_moment())
    updated_at: datetime = Field(sa_column=_moment())


class BridgeLeaseRow(SQLModel, table=True):
    """Which process carries events to a destination: one at a time."""

    __tablename__: ClassVar[str] = "osago_bridge_leases"  # pyright: ignore[reportIncompatibleVariableOverride]

    destination: str = Field(sa_column=Column(Text, primary_key=True, nullable=False))
    holder: str = Field(sa_column=_text())
    until: datetime = Field(sa_column=_moment())


class BridgeDeadLetterRow(SQLModel, table=True):
    """An event that a destination would not take. It is erased with its request."""

    __tablename__: ClassVar[str] = "osago_bridge_dead_letters"  # pyright: ignore[reportIncompatibleVariableOverride]
    __table_args__ = (Index("osago_bridge_dead_letters_request", "request_id"),)

    destination: str = Field(sa_column=Column(Text, primary_key=True, nullable=False))
    event_id: str = Field(sa_column=Column(Text, primary_key=True, nullable=False))
    request_id: UUID = Field(sa_column=Column(ForeignKey("osago_requests.id", ondelete="CASCADE"), nullable=False))
    document: str = Field(sa_column=_text())
    reason: str = Field(sa_column=_text())
    attempts: int
    given_up_at: datetime = Field(sa_column=_moment())
    is_retried: bool


class ControlRow(SQLModel, table=True):
    """An operator's control, one per kind and subject; it goes when it is lifted, and when its time is up."""

    __tablename__: ClassVar[str] = "osago_controls"  # pyright: ignore[reportIncompatibleVariableOverride]
    __table_args__ = (
        CheckConstraint(
            "kind IN ('pause', 'limit', 'poll-limit', 'circuit', 'drain')",
            name="osago_controls_kind",
        ),
        CheckConstraint("until IS NULL OR until > since", name="osago_controls_lasts"),
    )

    kind: str = Field(sa_column=Column(Text, primary_key=True, nullable=False))
    subject: str = Field(sa_column=Column(Text, primary_key=True, nullable=False))
    setting: str = Field(sa_column=_text())
    why: str = Field(sa_column=_text())
    author: str = Field(sa_column=_text())
    since: datetime = Field(sa_column=_moment())
    until: datetime | None = Field(sa_column=_moment(nullable=True))
    version: int = Field(sa_column=Column(BigInteger, nullable=False))
    """The id of the audit's entry that set it."""


class ControlAuditRow(SQLModel, table=True):
    """An action of an operator, with its reason. Rows never change; `OSAGO_AUDIT_RETENTION` says when they go."""

    __tablename__: ClassVar[str] = "osago_control_audit"  # pyright: ignore[reportIncompatibleVariableOverride]
    __table_args__ = (Index("osago_control_audit_at", "at"),)

    id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    at: datetime = Field(sa_column=_moment())
    action: str = Field(sa_column=_text())
    kind: str = Field(sa_column=_text())
    subject: str = Field(sa_column=_text())
    setting: str = Field(sa_column=_text())
    why: str = Field(sa_column=_text())
    author: str = Field(sa_column=_text())
    until: datetime | None = Field(sa_column=_moment(nullable=True))
    request_ids: list[UUID] = Field(sa_column=Column(ARRAY(Uuid), nullable=False))
