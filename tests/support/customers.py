"""Customers under fire: each asks until it is heard, watches to the end, on any API, and goes on where it was cut off."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import httpx
from support.system import System
from websockets.exceptions import WebSocketException

from cli.quote.aggregator_client import CREATE, CallFailed, Client

PATIENCE_S: Final = 60.0
AGAIN_S: Final = 0.2


@dataclass(eq=False)
class Customer:
    """What one of them has seen."""

    reference: str
    accepted: dict[str, Any] = field(default_factory=dict[str, Any])
    events: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    reconnects: int = 0
    late_s: float = 0.0
    """How long after `expiresAt` the end came; negative when before."""

    @property
    def request_id(self) -> str:
        return self.accepted["quoteRequest"]["id"]

    @property
    def quotes(self) -> dict[str, str]:
        """The status by insurer."""
        return {e["quote"]["insurer"]["id"]: e["quote"]["status"] for e in self.events[:-1]}


class Customers:
    """The load."""

    def __init__(self, system: System, chance: random.Random, http: httpx.AsyncClient) -> None:
        self._system = system
        self._chance = chance
        self._http = http
        self._token = system.world.token()

    async def come(self, *, seconds: float, per_s: float) -> Sequence[Customer]:
        """So many a second for so long; returns when the last one has seen its end."""
        customers: list[Customer] = []
        async with asyncio.TaskGroup() as tasks:
            for _ in range(int(seconds * per_s)):
                customers.append(Customer(f"{self._chance.getrandbits(64):x}"))
                tasks.create_task(self._serve(customers[-1]))
                await asyncio.sleep(1 / per_s)
        return customers

    async def _serve(self, customer: Customer) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not customer.accepted:
                await self._ask(customer)
        async with asyncio.timeout(PATIENCE_S):
            while not customer.events or customer.events[-1]["__typename"] != "QuotesCompleted":
                await self._watch(customer)
        expires_at = datetime.fromisoformat(customer.accepted["quoteRequest"]["expiresAt"])
        customer.late_s = (datetime.now(UTC) - expires_at).total_seconds()

    async def _ask(self, customer: Customer) -> None:
        new_request = self._system.world.new_request(clientReference=customer.reference)
        body = {"query": CREATE, "variables": {"input": new_request}}
        headers = {"Authorization": f"Bearer {self._token}"}
        try:
            answer = (await self._http.post(f"{self._any_api()}/graphql", json=body, headers=headers)).json()
        except httpx.TransportError:
            await asyncio.sleep(AGAIN_S)
            return
        if "errors" in answer:
            codes = {error["extensions"]["code"] for error in answer["errors"]}
            assert codes <= {"UNAVAILABLE", "OVERLOADED"}, answer
            await asyncio.sleep(AGAIN_S)
            return
        customer.accepted = answer["data"]["createQuoteRequest"]

    async def _watch(self, customer: Customer) -> None:
        after = customer.events[-1]["cursor"] if customer.events else None
        client = Client(f"{self._any_api()}/graphql", self._token)
        try:
            async for event in client._watch(customer.request_id, customer.accepted["watchToken"], after):
                customer.events.append(dict(event))
        except (OSError, WebSocketException, CallFailed):
            customer.reconnects += 1
            await asyncio.sleep(AGAIN_S)

    def _any_api(self) -> str:
        return f"http://127.0.0.1:{self._chance.choice(self._system.apis).port}"
