"""A small client of the API: the mutation over HTTP, the subscription over graphql-transport-ws, resumed when it breaks."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from app.domain.errors import WrongSetting
from cli.quote.reconnect import LATER, AskedLater, reconnect_wait_s

_QUOTE: Final = """
fragment Slot on Quote {
  insurer { id name } status receivedAt
  offer { number premium { amount currency } total { amount currency } startsOn validUntil purchaseUrl
          extras { code name isMandatory price { amount currency } }
          coefficients { baseRate territory bonusMalus ageExperience driverRestriction power season trailer
                         drivers { bonusMalus ageExperience } } }
  reason { code message insurerCode problems { path code message } }
}
"""
CREATE: Final = (
    """
mutation CreateQuoteRequest($input: CreateQuoteRequestInput!) {
  createQuoteRequest(input: $input) {
    __typename
    ... on QuoteRequestAccepted {
      watchToken
      warnings { path code message }
      quoteRequest { id createdAt expiresAt remainingSeconds quotes { ...Slot } }
    }
    ... on InvalidApplication { problems { path code message } }
    ... on RateLimited { retryAfterSeconds }
  }
}
"""
    + _QUOTE
)
WATCH: Final = (
    """
subscription Quotes($requestId: ID!, $after: String) {
  quotes(requestId: $requestId, after: $after) {
    __typename
    ... on QuoteReceived { cursor quote { ...Slot } progress { answered total } }
    ... on QuotesCompleted {
      cursor outcome progress { answered total } bestQuote { ...Slot } stub { title message retryAfterSeconds }
    }
  }
}
"""
    + _QUOTE
)
CALL_S_MAX: Final = 10.0
RECONNECTS_MAX: Final = 60


class CallFailed(Exception):
    """The API cannot be reached, or says no; the text is for people."""


@dataclass(frozen=True, slots=True)
class Client:
    """Calls one API with one token."""

    url: str
    token: str

    async def create(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """The member of CreateQuoteRequestResult that came of it.

        Raises:
            CallFailed: there was no such answer.
            WrongSetting: what answers there is not this API.
        """
        headers = {"Authorization": f"Bearer {self.token}"}
        body = {"query": CREATE, "variables": {"input": request}}
        try:
            async with httpx.AsyncClient(timeout=CALL_S_MAX, headers=headers) as http:
                reply = await http.post(self.url, json=body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CallFailed(f"{self.url}: {type(error).__name__} {error}".strip()) from None
        return _created(self.url, reply)

    async def watch(self, request_id: str, watch_token: str) -> AsyncGenerator[Mapping[str, Any], None]:
        """Every event of a request; after a lost connection it goes on from the last cursor, no sooner than the API asks for.

        Raises:
            CallFailed: the subscription is refused, or the connection does not come back.
        """
        after: str | None = None
        for _ in range(RECONNECTS_MAX):
            try:
                async for event in self._watch(request_id, watch_token, after):
                    after = event["cursor"]
                    yield event
                    if event["__typename"] == "QuotesCompleted":
                        return
            except (OSError, WebSocketException) as error:
                await asyncio.sleep(reconnect_wait_s(error))
        raise CallFailed(f"{self.url}: the connection does not come back")

    async def _watch(
        self, request_id: str, watch_token: str, after: str | None
    ) -> AsyncGenerator[Mapping[str, Any], None]:
        url = self.url.replace("http", "ws", 1)
        async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")], compression=None) as socket:
            await socket.send(json.dumps({"type": "connection_init", "payload": {"token": watch_token}}))
            variables = {"requestId": request_id, "after": after}
            async for text in socket:
                message = json.loads(text)
                match message["type"]:
                    case "connection_ack":
                        payload = {"query": WATCH, "variables": variables}
                        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
                    case "next":
                        yield message["payload"]["data"]["quotes"]
                    case "error":
                        raise _failure(message["payload"])
                    case "ping":
                        await socket.send(json.dumps({"type": "pong"}))
                    case "complete":
                        return
                    case _:
                        pass


def _created(url: str, reply: httpx.Response) -> Mapping[str, Any]:
    try:
        answer: Any = reply.json()
        if errors := answer.get("errors"):
            raise CallFailed("; ".join(error["message"] for error in errors))
        return answer["data"]["createQuoteRequest"]
    except (ValueError, LookupError, TypeError, AttributeError):
        path = "" if httpx.URL(url).path.endswith("/graphql") else ": its path ends in /graphql"
        raise WrongSetting(f"--url: {url} is not the GraphQL API (status {reply.status_code}){path}") from None


def _failure(errors: Sequence[Mapping[str, Any]]) -> Exception:
    """With a cursor, or a code that passes, it is no refusal: the client goes on later, as after a lost connection."""
    text = "; ".join(error["message"] for error in errors)
    for extensions in (error.get("extensions", {}) for error in errors):
        if "cursor" in extensions or extensions.get("code") in LATER:
            return AskedLater(text, extensions.get("retryAfterSeconds"))
    return CallFailed(text)
