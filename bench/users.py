"""Users: each sends an application over HTTP, and watches its quotes over a WebSocket of its own until the end."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from bench.http import Poster
from bench.socket import Closed, Socket
from bench.system import CREATE, wish

WATCH: Final = """\
subscription Quotes($requestId: ID!, $after: String) {
  quotes(requestId: $requestId, after: $after) {
    __typename
    ... on QuoteReceived {
      cursor
      quote {
        insurer { id name } status receivedAt
        offer { number premium { amount currency } validUntil purchaseUrl }
        reason { code message }
      }
      progress { answered total }
    }
    ... on QuotesCompleted { cursor outcome progress { answered total } bestQuote { insurer { id } } }
  }
}
"""


@dataclass(frozen=True, slots=True)
class ReceivedQuote:
    """One quote as a user got it. `at` and `received_at` are seconds since 1970 by the clock of this machine."""

    insurer_id: str
    status: str
    number: str | None
    premium: str | None
    received_at: float
    at: float


@dataclass(slots=True)
class Watched:
    """What one user saw."""

    request_id: str = ""
    expires_at: float = 0.0
    sent_at: float = 0.0
    accepted_after_s: float = 0.0
    quotes: list[ReceivedQuote] = field(default_factory=list[ReceivedQuote])
    outcome: str = ""
    ended_at: float = 0.0


@dataclass(slots=True)
class Crowd:
    """All users of a run, so far."""

    users: list[Watched] = field(default_factory=list[Watched])
    latencies_s: list[float] = field(default_factory=list[float])
    """From the worker's having an answer to its frame at the client."""
    accepted: int = 0
    ended: int = 0
    failures: Counter[str] = field(default_factory=Counter[str])


def body_of(number: int) -> bytes:
    """An application that differs from all others in what no tariff knows of, and so in how long insurers think."""
    input_ = wish()
    holder = input_["application"]["policyholder"]
    person = holder["person"] | {"phone": f"+7903{number:07}"}
    input_["application"] = input_["application"] | {"policyholder": {"person": person}}
    input_["customerId"] = f"customer-{number}"
    return json.dumps({"query": CREATE, "variables": {"input": input_}}, ensure_ascii=False).encode()


async def use(poster: Poster, url: str, body: bytes, crowd: Crowd) -> None:
    """One user, from the application to the end of the request."""
    watched = Watched()
    crowd.users.append(watched)
    try:
        begun = time.perf_counter()
        watched.sent_at = time.time()
        answer = await poster.post(body)
        accepted = answer["data"]["createQuoteRequest"]
        request = accepted["quoteRequest"]
        watched.accepted_after_s = time.perf_counter() - begun
        watched.request_id = request["id"]
        watched.expires_at = datetime.fromisoformat(request["expiresAt"]).timestamp()
        crowd.accepted += 1
        await _watch(url, accepted["watchToken"], watched, crowd)
        crowd.ended += 1
    except (OSError, EOFError, KeyError, TypeError, Closed) as error:
        crowd.failures[f"{type(error).__name__} {error}"[:120]] += 1


async def _watch(url: str, token: str, watched: Watched, crowd: Crowd) -> None:
    socket = await Socket.open(url, token)
    try:
        async for payload in socket.subscribe(WATCH, {"requestId": watched.request_id}):
            at = time.time()
            event = payload["data"]["quotes"]
            if event["__typename"] == "QuoteReceived":
                received = _received(event["quote"], at)
                watched.quotes.append(received)
                crowd.latencies_s.append(at - received.received_at)
            else:
                watched.outcome, watched.ended_at = event["outcome"], at
    finally:
        socket.close()


def _received(quote: Mapping[str, Any], at: float) -> ReceivedQuote:
    offer = quote["offer"]
    return ReceivedQuote(
        insurer_id=quote["insurer"]["id"],
        status=quote["status"],
        number=offer and offer["number"],
        premium=offer and offer["premium"]["amount"],
        received_at=datetime.fromisoformat(quote["receivedAt"]).timestamp(),
        at=at,
    )


async def all_of(url: str, headers: Mapping[str, str], crowd: Crowd, *, users: int) -> None:
    """So many users, all at once."""
    async with Poster.opened(url, headers) as poster, asyncio.TaskGroup() as tasks:
        for body in [body_of(number) for number in range(users)]:
            tasks.create_task(use(poster, url, body, crowd))
