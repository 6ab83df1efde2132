"""Events without servers, and what each face makes of them."""

import asyncio
import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import msgspec

from app.api.context import Context
from app.api.encoding import encode
from app.api.execution.operation import OperationRunner
from app.api.execution.prepared_documents import PreparedDocuments
from app.api.graphql_request import GraphQLRequest
from app.api.insurer_directory import InsurerDirectory
from app.api.rest.representations import event_document, request_document
from app.api.schema.build import GRAPHQL
from app.codecs.quote_codec import encode_answer, encode_quote, to_event
from app.domain.cursor import Cursor
from app.domain.insurer import Insurer
from app.domain.quote import Ending, Outcome, Quote, QuoteRequest
from app.postgres.cipher import Cipher
from app.postgres.link_cipher import LinkCipher
from app.redis.topology import connect, parse_address
from app.runtime.clock import Clock
from app.runtime.shielded_tasks import ShieldedTasks
from app.story.frame_book import FrameBook
from app.watch.events import Completed, Event, Received
from app.watch.push_latency import PushLatency

NOW = datetime(2026, 11, 22, 9, 30, 0, 123456, UTC)
ID = UUID("01936d2f-6a5e-7c3b-9d41-2f8e5b7a9c10")
INSURERS = ("sever", "volga", "ural", "gone")
OPERATIONS = PreparedDocuments(GRAPHQL)
RUNNER = OperationRunner(OPERATIONS, ShieldedTasks(), introspection="on")
QUOTE = """id insurer { id name } status receivedAt offer { number premium { amount currency } validUntil purchaseUrl
  coefficients {
    baseRate territory bonusMalus ageExperience driverRestriction power season trailer drivers { bonusMalus ageExperience } }
  total { amount currency } extras { code name price { amount currency } isMandatory } startsOn }
  reason { code message insurerCode problems { path code message } }"""
EVERYTHING = f"""subscription Q($id: ID!) {{ watched: quotes(requestId: $id) {{ __typename ...Place
  ... on QuoteReceived {{ quote {{ kind: __typename {QUOTE} }} }}
  ... on QuotesCompleted {{ outcome bestQuote {{ {QUOTE} }} stub {{ title message retryAfterSeconds }} }} }} }}
fragment Place on QuoteEvent {{ ... on QuoteReceived {{ cursor requestId progress {{ answered total }} }}
  ... on QuotesCompleted {{ cursor requestId progress {{ answered total }} }} }}"""


LINKS = LinkCipher(Cipher({"k1": bytes(32)}))
"""Of what happens here nothing is sealed any more: `app.watch.hub` has opened it."""


class FrozenClock(Clock):
    def now(self) -> datetime:
        return NOW

    def unix_s(self) -> float:
        return NOW.timestamp()


def context_of(happening: list[Event]) -> Any:
    """An operation's context, in which these events happen."""

    async def enter(*_: object) -> Any:
        watch = SimpleNamespace(failure=None)
        return SimpleNamespace(news=lambda: iter(happening), is_over=True, watch_lacks_answers=False, watch=watch)

    names = [Insurer(id_, f'Страховая «{id_}» "\\" \u2028') for id_ in INSURERS[:3]]
    redis = connect(parse_address("redis://127.0.0.1:1"))  # nothing asks it: what waits is not written
    clock = FrozenClock()
    live = SimpleNamespace(enter=enter, leave=lambda *_: None, wait_s=lambda *_, silent_s: 60 - silent_s, clock=clock)
    pushed = PushLatency(clock)
    services: Any = SimpleNamespace(
        live=live,
        clock=clock,
        pushed=pushed,
        availabilities=InsurerDirectory(names, redis, clock),
        links=LINKS,
        frames=FrameBook(clock),
        spans=None,
        shares=SimpleNamespace(of=lambda _: None),
    )
    return Context(services, SimpleNamespace())  # type: ignore[arg-type]


def request_of(quotes: Mapping[str, Quote]) -> QuoteRequest:
    """A request that has ended with these quotes."""
    return QuoteRequest(
        id=ID,
        tenant="core-app",
        customer_id="customer-1",
        client_reference=None,
        insurers=INSURERS,
        created_at=NOW,
        expires_at=NOW + timedelta(seconds=60),
        ending=Ending(Outcome.ALL_ANSWERED, NOW),
        quotes=quotes,
    )


def events_of(quote: Quote) -> list[Event]:
    """The event of a quote, and the end of a request that has no other."""
    event, cursor = to_event(quote), Cursor(ID, INSURERS)
    return [
        Received(cursor, event, is_live=True),
        Completed(cursor, Ending(Outcome.ALL_ANSWERED, NOW), {quote.insurer_id: event}),
    ]


def by_graphql(happening: list[Event], *, is_compiled: bool) -> list[bytes]:
    """The payloads of a subscription to everything, by its compiled writer or by graphql-core."""
    asked = GraphQLRequest(query=EVERYTHING, variables={"id": str(ID)})
    operation = OPERATIONS.prepare(asked)
    assert operation.written is not None
    if not is_compiled:
        operation = dataclasses.replace(operation, written=None)

    async def results() -> list[bytes]:
        found = [result async for result in RUNNER.stream(operation, asked, context_of(happening))]
        assert not any(result.errors for result in found), found
        return [msgspec.json.encode({"data": result.data}) for result in found]

    return asyncio.run(results())


def by_every_face(quote: Quote) -> Mapping[str, list[bytes]]:
    """What each face writes of a quote: its event, and the end of its request."""
    happening, context = events_of(quote), context_of([])
    return {
        "subscription": by_graphql(happening, is_compiled=True),
        "graphql-core": by_graphql(happening, is_compiled=False),
        "REST, server-sent events, plain WebSocket": [
            encode(event_document(event, context.services)) for event in happening
        ],
        "REST, a request": [encode(request_document(request_of({quote.insurer_id: quote}), context))],
        "feed": [encode_quote(quote)],
        "row": [(part or "").encode() for part in encode_answer(quote)],
    }
