"""Controls and their audit in PostgreSQL. Each change and its entry in the audit are one statement, so that both stand or neither."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from app.domain.operators.control import AuditAction, AuditEntry, Control, ControlKind
from app.postgres.database import Connection

_KINDS: Final = frozenset(ControlKind)
"""A later release may have more."""

_ENTRY: Final = "at, action, kind, subject, setting, why, author, until, request_ids"

_SET: Final = f"""
WITH entry AS (
    INSERT INTO osago_control_audit ({_ENTRY}) VALUES ($6, 'set', $1, $2, $3, $4, $5, $7, '{{}}') RETURNING id
)
INSERT INTO osago_controls AS c (kind, subject, setting, why, author, since, until, version)
SELECT $1, $2, $3, $4, $5, $6, $7::timestamptz, id FROM entry
ON CONFLICT (kind, subject) DO UPDATE SET setting = excluded.setting, why = excluded.why, author = excluded.author,
    since = excluded.since, until = excluded.until, version = excluded.version
RETURNING version
"""  # noqa: S608 - constants of this file

_LIFT: Final = f"""
WITH gone AS (DELETE FROM osago_controls WHERE kind = $1 AND subject = $2 RETURNING *)
INSERT INTO osago_control_audit ({_ENTRY})
SELECT $3::timestamptz, $4::text, kind, subject, setting, $5::text, $6::text, NULL, '{{}}' FROM gone RETURNING id
"""  # noqa: S608 - constants of this file

_EXPIRE: Final = f"""
WITH gone AS (DELETE FROM osago_controls WHERE until <= $1 RETURNING *)
INSERT INTO osago_control_audit ({_ENTRY})
SELECT $1::timestamptz, 'expired', kind, subject, setting, why, $2::text, until, '{{}}' FROM gone
"""  # noqa: S608 - constants of this file

_RECORD: Final = f"INSERT INTO osago_control_audit ({_ENTRY}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"  # noqa: S608

_CONTROLS: Final = (
    "SELECT kind, subject, setting, why, author, since, until, version FROM osago_controls ORDER BY kind, subject"
)

_AUDIT: Final = f"""
SELECT id, {_ENTRY} FROM osago_control_audit
WHERE ($1::bigint IS NULL OR id < $1) AND ($2::text IS NULL OR subject = $2) ORDER BY id DESC LIMIT $3
"""  # noqa: S608 - constants of this file

_FORGET: Final = """
DELETE FROM osago_control_audit WHERE id IN (
    SELECT a.id FROM osago_control_audit a WHERE a.at < $1 ORDER BY a.at LIMIT $2
)
"""

_WAITING_FOR: Final = """
SELECT r.id FROM osago_requests r
WHERE r.completed_at IS NULL AND r.created_at <= $2 AND $1 = ANY(r.insurers)
  AND NOT EXISTS (SELECT 1 FROM osago_quotes q WHERE q.request_id = r.id AND q.insurer_id = $1)
LIMIT $3
"""


async def read_controls(connection: Connection) -> Sequence[Control]:
    """All of them, also those that have expired and that no process has removed yet."""
    return [_control(row) for row in await connection.fetch(_CONTROLS) if row["kind"] in _KINDS]


async def set_control(connection: Connection, control: Control) -> int:
    """Stores a control, in place of the one of its kind and subject; returns its version. The control's own is left aside."""
    names = (control.setting, control.why, control.author, control.since, control.until)
    return await connection.fetchval(_SET, control.kind.value, control.subject, *names)


async def lift_control(
    connection: Connection,
    kind: ControlKind,
    subject: str,
    *,
    action: AuditAction,
    now: datetime,
    why: str,
    author: str,
) -> bool:
    """Removes a control; returns whether there was one."""
    return bool(await connection.fetchval(_LIFT, kind.value, subject, now, action.value, why, author))


async def expire_controls(connection: Connection, now: datetime, author: str) -> None:
    """Removes the controls that have expired. Of several processes one finds each."""
    await connection.execute(_EXPIRE, now, author)


async def record_action(connection: Connection, entry: AuditEntry) -> None:
    """Stores an entry of its own, for what is no control."""
    names = (entry.kind, entry.subject, entry.setting, entry.why, entry.author, entry.until, entry.request_ids)
    await connection.execute(_RECORD, entry.at, entry.action.value, *names)


async def read_audit(
    connection: Connection, *, before: int | None, subject: str | None, most: int
) -> Sequence[AuditEntry]:
    """A page of the audit, the newest first: the entries before that id, of one subject or of all."""
    return [_entry(row) for row in await connection.fetch(_AUDIT, before, subject, most)]


async def forget_audit(connection: Connection, *, before: datetime, most: int) -> int:
    """Removes the oldest entries of before that moment; returns how many."""
    done: str = await connection.execute(_FORGET, before, most)
    return int(done.rpartition(" ")[2])


async def requests_waiting_for(
    connection: Connection, insurer_id: str, *, created_until: datetime, most: int
) -> Sequence[UUID]:
    """Some open requests that lack this insurer's quote, in no order."""
    return [row["id"] for row in await connection.fetch(_WAITING_FOR, insurer_id, created_until, most)]


def _control(row: asyncpg.Record) -> Control:
    return Control(
        kind=ControlKind(row["kind"]),
        subject=row["subject"],
        setting=row["setting"],
        why=row["why"],
        author=row["author"],
        since=row["since"],
        until=row["until"],
        version=row["version"],
    )


def _entry(row: asyncpg.Record) -> AuditEntry:
    return AuditEntry(
        at=row["at"],
        action=AuditAction(row["action"]),
        kind=row["kind"],
        subject=row["subject"],
        author=row["author"],
        why=row["why"],
        setting=row["setting"],
        until=row["until"],
        request_ids=tuple(row["request_ids"]),
        id=row["id"],
    )
