"""The stream as server-sent events: `id:` is the cursor, `Last-Event-ID` resumes, 204 says that there is no more to come."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from app.api.auth.tokens import Grant
from app.api.context import Context, UseCases
from app.api.encoding import encode
from app.api.execution.subscriber import Subscriber
from app.api.http.lasting_answer import AnswerChannel, LastingAnswer
from app.api.http.stream_formats import EVENT_STREAM, RETRY_MS
from app.api.rest.problem_details import document_of, problem
from app.api.rest.representations import event_document, type_of
from app.api.schema.event_sources import RequestEvents
from app.api.services import Services
from app.watch.events import Event


class RestEvents:
    """An event each, under the name of its type (`app.api.http.stream_formats.StreamFormat`)."""

    content_type = f"{EVENT_STREAM}; charset=utf-8"
    opening = b"retry: %d\n\n" % RETRY_MS
    beat = b":\n\n"
    closing = b""

    def next(self, payload: bytes, cursor: str | None) -> bytes:
        return b"id: %b\n%b\n\n" % ((cursor or "").encode(), payload)

    def failure(self, error: Exception) -> bytes:
        return b"event: problem\ndata: %b\n\n" % encode(document_of(error))

    def breaking_off(self, _error: Exception) -> bytes:
        """The client comes back, and learns then whether it may."""
        return b""


def write_event(event: Event, services: UseCases) -> bytes:
    """The event's type and its document."""
    return b"event: %b\ndata: %b" % (type_of(event).encode(), encode(event_document(event, services)))


class EventStream(LastingAnswer):
    """The events of one request, as an answer that lasts."""

    methods = "GET"

    def __init__(self, request: Request, services: Services, grant: Grant, request_id: UUID) -> None:
        super().__init__(services, grant, Context(services, grant.caller), RestEvents())
        after = request.headers.get("last-event-id") or None
        self._source = RequestEvents(self.context, str(request_id), after)
        self._subscriber: Subscriber | None = None

    async def begin(self, channel: AnswerChannel) -> bool:
        self._subscriber = Subscriber(write_event, self.context, channel)
        await self._subscriber.begin(self._source)
        return not self._subscriber.is_over

    def cancel(self) -> None:
        if self._subscriber:
            self._subscriber.cancel()

    def refusal(self, error: Exception) -> Response:
        return problem(error)

    @property
    def last_sent(self) -> tuple[UUID | None, str | None]:
        return self._source.request_id, self._subscriber.place if self._subscriber else None
