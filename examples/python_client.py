"""Asks for quotes as a service, then watches them as a browser: `OSAGO_TOKEN=… uv run python examples/python_client.py`."""

import asyncio
import json
import os
import random
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from gql import Client, GraphQLRequest
from gql.transport.exceptions import TransportConnectionFailed
from gql.transport.websockets import WebsocketsTransport

URL, TOKEN = os.environ.get("OSAGO_URL", "http://127.0.0.1:8000/graphql"), os.environ["OSAGO_TOKEN"]
CREATE = """mutation ($input: CreateQuoteRequestInput!) { createQuoteRequest(input: $input) { __typename
  ... on QuoteRequestAccepted { watchToken quoteRequest { id } } ... on InvalidApplication { problems { path message } } } }"""
WATCH = """subscription ($requestId: ID!, $after: String) { quotes(requestId: $requestId, after: $after) { __typename
  ... on QuoteReceived { cursor quote { insurer { name } offer { premium { amount } } reason { message } } }
  ... on QuotesCompleted { cursor outcome bestQuote { insurer { name } } stub { title message } } } }"""


async def watch(request_id: str, token: str, after: str | None = None, event: str = "") -> None:
    while event != "QuotesCompleted":  # a lost connection? The next one goes on from the last cursor
        socket = WebsocketsTransport(URL.replace("http", "ws", 1), init_payload={"token": token})
        request = GraphQLRequest(WATCH, variable_values={"requestId": request_id, "after": after})
        try:
            async with Client(transport=socket) as session:
                async for data in session.subscribe(request):
                    event, after = data["quotes"]["__typename"], data["quotes"]["cursor"]
                    print(json.dumps(data["quotes"], ensure_ascii=False), flush=True)
        except (OSError, TransportConnectionFailed) as lost:
            await asyncio.sleep(pause_s(lost))


def pause_s(lost: Exception) -> float:
    """As long as an API with too many connects at once asks for, otherwise half a second; and a little more, by lot."""
    refusal = getattr(lost.__cause__, "response", None)
    asked = refusal and refusal.headers.get("Retry-After")  # a 503; or the reason of a close frame with 1013:
    said = re.search(r"try again in ([\d.]+) s", str(lost.__cause__))
    return float(asked or (said and said[1]) or 0.5) + random.random() / 2


application = json.loads(Path(__file__).with_name("application.json").read_text(encoding="utf-8"))
application["startsOn"] = str((datetime.now(UTC) + timedelta(days=10)).date())
application["consent"]["givenAt"] = datetime.now(UTC).isoformat()
asked = {"input": {"customerId": "customer-42", "clientReference": os.urandom(16).hex(), "application": application}}
answer = httpx.post(
    URL, json={"query": CREATE, "variables": asked}, headers={"Authorization": f"Bearer {TOKEN}"}
).json()
if "errors" in answer or "watchToken" not in (accepted := answer["data"]["createQuoteRequest"]):
    raise SystemExit(answer)
asyncio.run(watch(accepted["quoteRequest"]["id"], accepted["watchToken"]))
