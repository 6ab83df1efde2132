"""Calls the aggregator: the mutation with a time-out, a safe retry and a circuit, all within a second."""

import asyncio
import random
import time
from collections.abc import Mapping
from functools import partial
from typing import Any, Final, Self

import httpx
import msgspec
import structlog

from sandbox.core_app.circuit import Circuit, CircuitOpen
from sandbox.core_app.graphql_documents import CREATE, LOOK

log: Final = structlog.get_logger(__name__)

CALL_S_MAX: Final = 0.9
"""For everything together: the customer is told within a second."""
ATTEMPT_S_MAX: Final = 0.4
ATTEMPTS_MAX: Final = 3
PAUSE_S_MAX: Final = 0.1
RETRY_AFTER_S: Final = 3.0
"""What a customer is asked to wait when the aggregator itself says nothing."""
CONNECTIONS_MAX: Final = 200
_TRANSIENT: Final = frozenset({"UNAVAILABLE", "OVERLOADED", "INTERNAL"})


class AggregatorDown(Exception):
    """There was no answer, or "later". The same call is welcome after `retry_after_s`."""

    def __init__(self, retry_after_s: float = RETRY_AFTER_S) -> None:
        super().__init__(f"retry after {retry_after_s} s")
        self.retry_after_s = retry_after_s


class AggregatorRefuses(Exception):
    """It does not accept our token or our document: somebody has to mend core-app."""


class Aggregator:
    """One endpoint, one token, one circuit. Use it as a context."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._http = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {token}"},
            timeout=ATTEMPT_S_MAX,
            limits=httpx.Limits(max_connections=CONNECTIONS_MAX),
        )
        self._circuit = Circuit()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    @property
    def is_well(self) -> bool:
        """No, while its circuit is open."""
        return self._circuit.is_closed

    async def create(self, number: str, customer_id: str, application: Mapping[str, Any]) -> Mapping[str, Any]:
        """The member of CreateQuoteRequestResult that came of it. `number` makes the retry safe: it stays one request.

        Raises:
            AggregatorDown: nobody can know whether the request is stored; the same call finds out.
            AggregatorRefuses: the token or the document is wrong.
        """
        wish = {"clientReference": number, "customerId": customer_id, "application": application}
        return (await self._call(CREATE, {"input": wish}))["createQuoteRequest"]

    async def look(self, request_id: str) -> Mapping[str, Any] | None:
        """What is known of a request now.

        Raises:
            AggregatorDown: likewise.
            AggregatorRefuses: likewise.
        """
        return (await self._call(LOOK, {"id": request_id}))["quoteRequest"]

    async def _call(self, query: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        """Attempts until one is answered or the time is up, whichever comes first."""
        ends_at = time.monotonic() + CALL_S_MAX
        body = msgspec.json.encode({"query": query, "variables": variables})
        for attempt in range(1, ATTEMPTS_MAX + 1):
            limit_s = min(ATTEMPT_S_MAX, ends_at - time.monotonic())
            try:
                return _result(await self._circuit.call(partial(self._attempt, body, limit_s)))
            except CircuitOpen:
                raise AggregatorDown from None
            except AggregatorDown as down:
                pause_s = random.uniform(0, PAUSE_S_MAX)
                is_late = time.monotonic() + pause_s + PAUSE_S_MAX > ends_at
                if attempt == ATTEMPTS_MAX or is_late or down.retry_after_s > 0:
                    raise AggregatorDown(down.retry_after_s or RETRY_AFTER_S) from None
                await asyncio.sleep(pause_s)
        raise AssertionError("the last attempt returns or raises")

    async def _attempt(self, body: bytes, s_most: float) -> httpx.Response:
        """One HTTP call. No answer in time means: again at once. Whatever is answered shows that somebody is there."""
        try:
            async with asyncio.timeout(s_most):
                response = await self._http.post(self._url, content=body, headers={"Content-Type": "application/json"})
        except (httpx.TransportError, TimeoutError) as error:
            log.warning("aggregator.unreachable", error=type(error).__name__)
            raise AggregatorDown(retry_after_s=0) from None
        if response.status_code >= 500:  # noqa: PLR2004 - HTTP's own classes
            raise AggregatorDown(retry_after_s=0)
        return response


def _result(response: httpx.Response) -> Mapping[str, Any]:
    """What was asked for; an answer that is none of GraphQL's comes from somebody in between."""
    try:
        answer = msgspec.json.decode(response.content, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise AggregatorDown from None
    if not (errors := answer.get("errors")):
        return answer["data"]
    extensions = errors[0].get("extensions", {})
    if extensions.get("code") in _TRANSIENT:
        raise AggregatorDown(extensions.get("retryAfterSeconds", RETRY_AFTER_S))
    log.error("aggregator.refuses", code=extensions.get("code"))
    raise AggregatorRefuses(extensions.get("code"))
