"""Finds a request by what an operator has in hand, and explains it: one function for the command and for the console.

It is for operators: it looks at the requests of every caller. What it returns has no personal data.
"""

import re
from typing import Final
from uuid import UUID

from app.domain.errors import RedisAway
from app.domain.operators.control import Controls
from app.domain.quote import NoOffer, Quote
from app.observability.tracing.trace_context import read_wire
from app.postgres.control_rows import read_controls
from app.postgres.database import Connection, reading
from app.postgres.personal.purge_rows import forgotten_requests
from app.redis.insurer_states import InsurerStates
from app.resources import Resources
from app.story.inquiries.process_inquirer import ask_processes
from app.story.job_places import locate_jobs
from app.story.open_slots import open_slot
from app.story.request_story import (
    Explanation,
    FoundRequest,
    InsurerStory,
    NoRequest,
    RequestStory,
    SeveralRequests,
)
from app.story.story_evidence import StoryEvidence
from app.story.story_faults import faults_of
from app.story.story_gaps import gaps_of
from app.story.story_rows import RequestRows, find_by_reference, read_request_rows
from app.story.story_steps import steps_of

SUBJECT_LENGTH_MAX: Final = 256
_IDS: Final = re.compile(r"([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})(?::[a-z][a-z0-9_-]{0,31})?")
"""A request's id, or a quote's: `<request id>:<insurer id>`."""


async def explain(resources: Resources, subject: str, *, service: str | None = None) -> Explanation:
    """The story of the request that `subject` names: its id, the id of one of its quotes, or a client reference.

    A client reference belongs to its caller: where several have the same one, all of them are returned to choose from;
    `service` names the caller, and leaves the others' out. What reads like an id is looked up as one first.

    Takes 300 ms where a process does not answer, and does without Redis.

    Raises:
        Unavailable: PostgreSQL is not there: nothing is known then.
    """
    if not all(text.isprintable() and len(text) <= SUBJECT_LENGTH_MAX for text in (subject, service or "")):
        return NoRequest()
    async with reading(resources.pool) as connection:
        found = await _find(connection, subject, service)
        controls = {(one.kind, one.subject): one for one in await read_controls(connection)}
    if not isinstance(found, RequestRows):
        return found
    evidence = await _gather(resources, found, controls)
    return _story(evidence, lease_s=resources.settings.lease)


async def _find(connection: Connection, subject: str, service: str | None) -> RequestRows | SeveralRequests | NoRequest:
    forgotten = False
    if ids := _IDS.fullmatch(subject.strip()):
        request_id = UUID(ids[1])
        rows = await read_request_rows(connection, request_id)
        if rows and service in {None, rows.tenant}:
            return rows
        forgotten = rows is None and bool(await forgotten_requests(connection, [request_id]))
    found = await find_by_reference(connection, subject, service)
    if len(found) == 1:
        return await read_request_rows(connection, found[0].id) or NoRequest()
    if found:
        return SeveralRequests(
            requests=tuple(
                FoundRequest(request_id=o.id, service=o.tenant, accepted_at=o.created_at, ended_at=o.completed_at)
                for o in found
            )
        )
    return NoRequest(was_forgotten=forgotten)


async def _gather(resources: Resources, rows: RequestRows, controls: Controls) -> StoryEvidence:
    """With what Redis and the processes know, where Redis is there."""
    asked_s = resources.clock.unix_s()
    try:
        places = await locate_jobs(resources, rows.id, rows.insurers)
        ahead_s = places.now_ms / 1000 - (asked_s + resources.clock.unix_s()) / 2
        replies = await ask_processes(resources, rows.id, places.beats_s)
        states = (await InsurerStates(resources.redis).read(rows.open_insurers)).of
        backlogs = await resources.jobs.backlog(rows.open_insurers)
    except RedisAway:
        return StoryEvidence(rows, controls, None, None, None, {}, resources.clock.now(), 0.0)
    waiting = {id_: backlog.waiting for id_, backlog in backlogs.items()}
    return StoryEvidence(rows, controls, places, replies, states, waiting, resources.clock.now(), ahead_s)


def _story(evidence: StoryEvidence, *, lease_s: float) -> RequestStory:
    rows = evidence.rows
    return RequestStory(
        request_id=rows.id,
        service=rows.tenant,
        accepted_at=rows.created_at,
        expires_at=rows.expires_at,
        ended_at=rows.completed_at,
        outcome=rows.outcome,
        is_application_purged=rows.is_purged,
        trace_id=context.trace_hex if (context := read_wire(rows.trace)) else "",
        insurers=tuple(_insurer(evidence, id_, lease_s) for id_ in rows.insurers),
        steps=steps_of(evidence),
        faults=faults_of(evidence, lease_s=lease_s),
        processes=evidence.replies.asked if evidence.replies else (),
        not_known=gaps_of(evidence),
        asked_at=evidence.now,
    )


def _insurer(evidence: StoryEvidence, insurer_id: str, lease_s: float) -> InsurerStory:
    rows = evidence.rows
    quote = rows.quotes.get(insurer_id)
    is_open = quote is None and rows.completed_at is None
    return InsurerStory(
        insurer_id=insurer_id,
        status=rows.status_of(insurer_id),
        reason=_reason(quote),
        settled_at=quote.received_at if quote else None,
        has_trail=evidence.trail(insurer_id) is not None,
        waiting=open_slot(evidence, insurer_id, lease_s=lease_s) if is_open else None,
    )


def _reason(quote: Quote | None) -> str:
    return quote.answer.reason.code.value if quote and isinstance(quote.answer, NoOffer) else ""
