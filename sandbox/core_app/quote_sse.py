"""Server-sent events of one application: for installations in which browsers do not reach the aggregator."""

import time
from collections.abc import AsyncGenerator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import StreamingResponse

from sandbox.core_app.endpoints import Number, application_of_customer
from sandbox.core_app.feed import BEGINNING, Event, Feed, entry_id
from sandbox.core_app.numbering import Application
from sandbox.core_app.responses import Problem, problem

END_LATE_S: Final = 3.0
"""So long after the deadline an end is waited for; an application that has lost it is looked at instead."""
_HEADERS: Final = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/event-stream": {}}, "description": "`quote`, `quote`, … `end`"},
    204: {"description": "`Last-Event-ID` is behind the end: there is nothing to come back for"},
    404: {"model": Problem, "description": "No application of this customer, or no feed here"},
}

router: Final = APIRouter()


@router.get("/applications/{number}/events", tags=["watch"], responses=_ANSWERS, response_class=StreamingResponse)
async def events(
    request: Request,
    number: Number,
    last_event_id: Annotated[str, Header(description="The `id` of the last event that the client has.")] = "",
) -> Response:
    """Every answer the moment it is there: `quote` as the feed has it, `end` last; `look` where the feed lost the end.

    There is no link to buy in it: `GET /applications/{number}` has that of the best offer.
    """
    feed: Feed | None = request.app.state.feed
    found = application_of_customer(request, number)
    if found is None or feed is None:
        return problem(
            404, "Такого заявления нет." if feed else "Событий здесь нет: предложения приходят от агрегатора."
        )
    if last_event_id.endswith(_ENDED):
        return Response(status_code=204, headers=_HEADERS)
    after = entry_id(last_event_id) if last_event_id else BEGINNING
    return StreamingResponse(_lines(feed, found, after), media_type="text/event-stream", headers=_HEADERS)


_ENDED: Final = "-end"
"""Behind the id of the last event. A browser reconnects after any end; this id stops it."""


async def _lines(feed: Feed, application: Application, after: tuple[int, int]) -> AsyncGenerator[str, None]:
    is_over = False
    async for event in feed.follow(application.request_id, after, application.ends_at_s + END_LATE_S):
        is_over = is_over or (event is not None and event.is_end)
        yield _written(event) if event else ": still there\n\n"
    if not is_over and time.monotonic() >= application.ends_at_s + END_LATE_S:
        yield f'id: 0{_ENDED}\nevent: look\ndata: {{"location": "/applications/{application.number}"}}\n\n'


def _written(event: Event) -> str:
    moment, sequence = event.id
    return f"id: {moment}-{sequence}{_ENDED if event.is_end else ''}\nevent: {event.kind}\ndata: {event.text}\n\n"
