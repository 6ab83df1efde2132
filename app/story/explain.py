"""Finds a request by what an operator has in hand, and explains it: one function for the command and for the console.

It is for operators: it looks at the requests of every caller. What it returns has no personal data.
"""

import re
from typing import Final
from uuid import UUID

from app.domain.quote import NoOffer, Quote
from app.postgres.database import Connection, reading
from app.postgres.personal.purge_rows import forgotten_requests
from app.resources import Resources
from app.story.request_story import (
    Explanation,
    FoundRequest,
    InsurerStory,
    NoRequest,
    RequestStory,
    SeveralRequests,
    StepKind,
    StoryStep,
)
from app.story.story_rows import RequestRows, find_by_reference, read_request_rows

_IDS: Final = re.compile(r"([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})(?::[a-z0-9-]{1,64})?")
"""A request's id, or a quote's: `<request id>:<insurer id>`."""


async def explain(resources: Resources, subject: str, *, service: str | None = None) -> Explanation:
    """The story of the request that `subject` names: its id, the id of one of its quotes, or a client reference.

    A client reference belongs to its caller: where several have the same one, all of them are returned to choose from;
    `service` names the caller, and leaves the others' out. What reads like an id is looked up as one first.

    Takes 300 ms where a process does not answer, and does without Redis.

    Raises:
        Unavailable: PostgreSQL is not there: nothing is known then.
    """
    async with reading(resources.pool) as connection:
        found = await _find(connection, subject, service)
    if isinstance(found, RequestRows):
        return _story(resources, found)
    return found


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


def _story(resources: Resources, rows: RequestRows) -> RequestStory:
    steps = [StoryStep(at=rows.created_at, kind=StepKind.ACCEPTED, by=rows.tenant)]
    steps += [
        StoryStep(at=quote.received_at, kind=StepKind.SETTLED, insurer_id=id_, result=quote.status.value)
        for id_, quote in rows.quotes.items()
    ]
    if rows.completed_at and rows.outcome:
        steps.append(StoryStep(at=rows.completed_at, kind=StepKind.ENDED, result=rows.outcome.value))
    return RequestStory(
        request_id=rows.id,
        service=rows.tenant,
        accepted_at=rows.created_at,
        expires_at=rows.expires_at,
        ended_at=rows.completed_at,
        outcome=rows.outcome,
        is_application_purged=rows.is_purged,
        insurers=tuple(_insurer(rows, id_) for id_ in rows.insurers),
        steps=tuple(sorted(steps, key=lambda step: step.at)),
        processes=(),
        not_known=(),
        asked_at=resources.clock.now(),
    )


def _insurer(rows: RequestRows, insurer_id: str) -> InsurerStory:
    quote = rows.quotes.get(insurer_id)
    return InsurerStory(
        insurer_id=insurer_id,
        status=rows.status_of(insurer_id),
        reason=_reason(quote),
        settled_at=quote.received_at if quote else None,
    )


def _reason(quote: Quote | None) -> str:
    return quote.answer.reason.code.value if quote and isinstance(quote.answer, NoOffer) else ""
