"""Watches a request to its end with gql: `python subscribe.py gql URL REQUEST_ID TOKEN`; events and breaks as subscribe.mjs has them."""

import asyncio
import json
import sys
from typing import Any, Final

from gql import Client, GraphQLRequest
from gql.transport.exceptions import TransportError
from gql.transport.websockets import WebsocketsTransport

WATCH: Final = """subscription Watch($requestId: ID!, $after: String) { quotes(requestId: $requestId, after: $after) {
  __typename
  ... on QuoteReceived { cursor quote { insurer { id } status } }
  ... on QuotesCompleted { cursor outcome } } }"""
PAUSE_S: Final = 0.1


async def watch(url: str, request_id: str, token: str) -> None:
    """Prints each event as a line of JSON."""
    variables: dict[str, Any] = {"requestId": request_id, "after": None}
    event: dict[str, Any] = {"__typename": None}
    while event["__typename"] != "QuotesCompleted":
        socket = WebsocketsTransport(f"{url.replace('http', 'ws', 1)}/graphql", init_payload={"token": token})
        try:
            async with Client(transport=socket) as session:
                async for data in session.subscribe(GraphQLRequest(WATCH, variable_values=variables)):
                    event = data["quotes"]
                    variables["after"] = event["cursor"]
                    print(json.dumps(event), flush=True)
        except (OSError, TransportError):
            await asyncio.sleep(PAUSE_S)


if __name__ == "__main__":
    asyncio.run(watch(*sys.argv[2:]))
