"""Reads of the console beside the snapshot: one request's story, dead letters, controls and the audit of them."""

from collections.abc import Mapping
from heapq import nlargest
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from app.api.console.console_answers import as_json
from app.api.console.console_parts import Console
from app.api.graphql_errors import BadHttpRequest
from app.domain.operators.control import AuditAction, AuditEntry, Control
from app.redis.dead_letters import DeadLetter, LetterRetry
from app.story.explain import explain
from app.story.request_story import NoRequest, RequestStory

SUBJECT_LENGTH_MAX: Final = 200
LETTERS_SHOWN_MAX: Final = 500
AUDIT_PAGE: Final = 50
_ID_DIGITS_MAX: Final = 18


async def request_story(request: Request, console: Console) -> Response:
    """The story of the request that `subject` names. A look at one request stands in the audit before it is shown."""
    session = console.access.looking(request)
    subject = request.query_params.get("subject", "").strip()
    if not subject or len(subject) > SUBJECT_LENGTH_MAX or not subject.isprintable():
        raise BadHttpRequest(400, "subject: a request's id, a quote's, or a client reference")
    found = await explain(console.resources, subject, service=request.query_params.get("service") or None)
    if isinstance(found, RequestStory):
        now = console.resources.clock.now()
        entry = AuditEntry(now, AuditAction.LOOKED, "request", str(found.request_id), session.subject)
        await console.resources.controls.record(entry)
        return as_json({"kind": "story", "story": found})
    if isinstance(found, NoRequest):
        return as_json({"kind": "none", "wasForgotten": found.was_forgotten})
    return as_json({"kind": "several", "requests": found.requests})


async def dead_letters(request: Request, console: Console) -> Response:
    """The newest dead letters, and how many there are."""
    console.access.looking(request)
    total, newest = 0, list[DeadLetter]()
    async for letter in console.letters.all():
        total += 1
        newest.append(letter)
        if len(newest) >= 2 * LETTERS_SHOWN_MAX:
            newest = nlargest(LETTERS_SHOWN_MAX, newest, key=lambda one: one.at)
    newest = nlargest(LETTERS_SHOWN_MAX, newest, key=lambda one: one.at)
    retries = await console.letters.retries()
    return as_json({"total": total, "letters": [_letter(letter, retries.get(letter.id)) for letter in newest]})


async def controls(request: Request, console: Console) -> Response:
    """The controls in force, and a page of the audit: the entries before the id `before`, the newest first."""
    console.access.looking(request)
    before = request.query_params.get("before", "")
    if before and not (before.isascii() and before.isdigit() and len(before) <= _ID_DIGITS_MAX):
        raise BadHttpRequest(400, "before: an entry's id")
    in_force = await console.resources.controls.in_force() if not before else ()
    page = await console.resources.controls.audit(before=int(before) if before else None, most=AUDIT_PAGE + 1)
    return as_json(
        {
            "controls": [control_document(control) for control in in_force],
            "audit": [_entry(entry) for entry in page[:AUDIT_PAGE]],
            "hasMore": len(page) > AUDIT_PAGE,
        }
    )


def control_document(control: Control) -> Mapping[str, Any]:
    """A control as the page has it."""
    return {
        "kind": control.kind,
        "subject": control.subject,
        "setting": control.setting,
        "why": control.why,
        "by": control.author,
        "since": control.since,
        "until": control.until,
    }


def _entry(entry: AuditEntry) -> Mapping[str, Any]:
    return {
        "id": entry.id,
        "at": entry.at,
        "action": entry.action,
        "kind": entry.kind,
        "subject": entry.subject,
        "setting": entry.setting,
        "why": entry.why,
        "by": entry.author,
        "until": entry.until,
        "requests": len(entry.request_ids),
    }


def _letter(letter: DeadLetter, retry: LetterRetry | None) -> Mapping[str, Any]:
    return {
        "id": letter.id,
        "at": letter.at,
        "insurer": letter.insurer_id,
        "request": str(letter.request_id),
        "deliveries": letter.deliveries,
        "reason": letter.reason,
        "trace": letter.trace.strip(),
        **({"retry": {"state": retry.state, "answer": retry.answer}} if retry else {}),
    }
