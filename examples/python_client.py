"""Asks for quotes as a service, watches them as a browser: `OSAGO_TOKEN=… uv run python examples/python_client.py`."""

import asyncio
import json
import os
import uuid
from datetime import date, timedelta
from pathlib import Path

import httpx
from gql import Client, GraphQLRequest
from gql.transport.exceptions import TransportConnectionFailed
from gql.transport.websockets import WebsocketsTransport

URL, TOKEN = os.environ.get("OSAGO_URL", "http://127.0.0.1:8000/graphql"), os.environ["OSAGO_TOKEN"]
CREATE = """mutation ($input: CreateQuoteRequestInput!) { createQuoteRequest(input: $input) { __typename
  ... on QuoteRequestAccepted { watchToken quoteRequest { id } }
  ... on InvalidApplication { problems { path code message } } ... on RateLimited { retryAfterSeconds } } }"""
WATCH = """subscription ($requestId: ID!, $after: String) { quotes(requestId: $requestId, after: $after) { __typename
  ... on QuoteReceived { cursor quote { insurer { name } offer { premium { amount } } reason { message } } }
  ... on QuotesCompleted { cursor outcome bestQuote { insurer { name } } stub { title message } } } }"""


async def main() -> None:
    application = json.loads((Path(__file__).parent / "application.json").read_text(encoding="utf-8"))
    application["startsOn"] = str(date.today() + timedelta(days=10))
    wish = {"customerId": "customer-42", "clientReference": str(uuid.uuid4()), "application": application}
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}) as http:
        answer = (await http.post(URL, json={"query": CREATE, "variables": {"input": wish}})).json()
    if "errors" in answer or "watchToken" not in (accepted := answer["data"]["createQuoteRequest"]):
        raise SystemExit(answer)
    asked, event = {"requestId": accepted["quoteRequest"]["id"], "after": None}, {"__typename": ""}
    while event["__typename"] != "QuotesCompleted":  # after a lost connection it goes on from the last cursor
        socket = WebsocketsTransport(URL.replace("http", "ws", 1), init_payload={"token": accepted["watchToken"]})
        try:
            async with Client(transport=socket) as session:
                async for data in session.subscribe(GraphQLRequest(WATCH, variable_values=asked)):
                    asked["after"] = (event := data["quotes"])["cursor"]
                    print(json.dumps(event, ensure_ascii=False), flush=True)
        except (OSError, TransportConnectionFailed):
            await asyncio.sleep(0.5)


asyncio.run(main())
