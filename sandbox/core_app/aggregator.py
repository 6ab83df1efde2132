"""Calls the aggregator: the mutation with a time-out and safe retries, all within a second."""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final, Self

import httpx
import msgspec
import stamina
import structlog

from sandbox.core_app.graphql_documents import CREATE, INSURERS, LOOK

log: Final = structlog.get_logger(__name__)

CALL_S_MAX: Final = 0.9
"""For all attempts together: the customer has an answer within a second."""
ATTEMPT_S_MAX: Final = 0.4
ATTEMPTS_MAX: Final = 3
PAUSE_S_MAX: Final = 0.1
RETRY_AFTER_S: Final = 3.0
"""How long a customer is asked to wait where the aggregator names no time."""
CONNECTIONS_MAX: Final = 200
"""Also bounds the calls that wait for an aggregator that hangs: one more finds no connection, and its attempt has failed."""
_TRANSIENT: Final = frozenset({"UNAVAILABLE", "OVERLOADED", "INTERNAL"})


class AggregatorDown(Exception):
    """There was no answer, or "later". The same call is welcome after `retry_after_s`."""

    def __init__(self, retry_after_s: float = RETRY_AFTER_S) -> None:
        super().__init__(f"retry after {retry_after_s} s")
        self.retry_after_s = retry_after_s


class AggregatorRefuses(Exception):
    """It does not accept our token or our document: core-app has to be mended."""


class Aggregator:
    """One endpoint, one token. Use it as a context."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._http = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {token}"},
            verify=_trusted(),
            timeout=ATTEMPT_S_MAX,
            limits=httpx.Limits(max_connections=CONNECTIONS_MAX),
        )
        self.is_answering = True
        """Whether the last call had an answer."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def create(
        self, number: str, customer_id: str, application: Mapping[str, Any], insurer_ids: Sequence[str] | None = None
    ) -> Mapping[str, Any]:
        """The member of CreateQuoteRequestResult that came of it. `number` makes the retry safe: it stays one request.

        Raises:
            AggregatorDown: the request may be stored or not; the same call finds out.
            AggregatorRefuses: the token or the document is wrong.
        """
        new: dict[str, Any] = {"clientReference": number, "customerId": customer_id, "application": application}
        if insurer_ids is not None:
            new["insurerIds"] = insurer_ids
        return (await self._call(CREATE, {"input": new}))["createQuoteRequest"]

    async def look(self, request_id: str) -> Mapping[str, Any] | None:
        """What is known of a request now.

        Raises:
            AggregatorDown: there was no answer in time.
            AggregatorRefuses: the token or the document is wrong.
        """
        return (await self._call(LOOK, {"id": request_id}))["quoteRequest"]

    async def insurers(self) -> Sequence[Mapping[str, str]]:
        """Those that are asked: id and name.

        Raises:
            AggregatorDown: there was no answer in time.
            AggregatorRefuses: the token or the document is wrong.
        """
        return (await self._call(INSURERS, {}))["insurers"]

    async def _call(self, query: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        """The result of the first attempt that has one, within `CALL_S_MAX`."""
        body = msgspec.json.encode({"query": query, "variables": variables})
        try:
            async with asyncio.timeout(CALL_S_MAX):
                response = await self._answered(body)
        except (httpx.TransportError, TimeoutError) as error:
            self.is_answering = False
            log.warning("aggregator.unreachable", error=type(error).__name__)
            raise AggregatorDown from None
        self.is_answering = True
        return _result(response)

    async def _answered(self, body: bytes) -> httpx.Response:
        # A block, not a decorated function: stamina logs the arguments of a function, and these are personal.
        async for attempt in stamina.retry_context(
            on=httpx.TransportError, attempts=ATTEMPTS_MAX, timeout=None, wait_initial=0, wait_jitter=PAUSE_S_MAX
        ):
            with attempt:
                response = await self._http.post(self._url, content=body, headers={"Content-Type": "application/json"})
                if response.is_server_error:
                    raise httpx.RemoteProtocolError(f"status {response.status_code}")
                return response
        raise AssertionError("the last attempt returns or raises")


@cache
def _trusted() -> ssl.SSLContext:
    """The machine's certificates, which take 30 ms to read."""
    return httpx.create_ssl_context()


def _result(response: httpx.Response) -> Mapping[str, Any]:
    """The data of a GraphQL answer; an answer in another form comes from a proxy in between."""
    try:
        answer = msgspec.json.decode(response.content, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise AggregatorDown from None
    if not (errors := answer.get("errors")):
        return answer["data"]
    extensions = errors[0].get("extensions", {})
    if extensions.get("code") in _TRANSIENT:
        raise AggregatorDown(extensions.get("retryAfterSeconds") or RETRY_AFTER_S)
    log.error("aggregator.refuses", code=extensions.get("code"))
    raise AggregatorRefuses(extensions.get("code"))
