"""Clients of the API in a process of its own: each answer, quote and end is written to a file in the moment in which it comes.

    python -m support.client_book SETTINGS.json

Customers ask until they are answered, repeat with their reference, some of them cancel, and all watch to the end. SIGTERM: no more
of them come, and the process ends when each has its end. SIGUSR1: no more of them come until the next one, so that a repeat shares its
commit with nothing new. What the product does meanwhile is the test's affair.
"""

import asyncio
import json
import random
import signal
import sys
import time
from itertools import count
from pathlib import Path
from typing import Any, Final, TextIO

import aiohttp

CREATE: Final = """mutation Create($input: CreateQuoteRequestInput!) { createQuoteRequest(input: $input) {
  __typename ... on QuoteRequestAccepted { quoteRequest { id expiresAt } } } }"""
CANCEL: Final = """mutation Cancel($id: ID!) { cancelQuoteRequest(id: $id) { id completedAt
  quotes { insurer { id } status } } }"""
WATCH: Final = """subscription Watch($id: ID!, $after: String) { quotes(requestId: $id, after: $after) { __typename
  ... on QuoteReceived { cursor quote { insurer { id } status offer { number premium { amount } } } }
  ... on QuotesCompleted { cursor outcome } } }"""
AGAIN_S: Final = 0.2
CALL_S_MAX: Final = 5.0
LATER: Final = {"UNAVAILABLE", "OVERLOADED"}


class Socket:
    """One WebSocket for all subscriptions with one API, opened again when it breaks."""

    def __init__(self, http: aiohttp.ClientSession, url: str, token: str) -> None:
        self._http, self._url, self._token = http, url, token
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._opening = asyncio.Lock()
        self._numbers = count()
        self._queues: dict[str, asyncio.Queue[dict[str, Any]]] = {}

    async def subscribe(self, variables: dict[str, Any]) -> "tuple[str, asyncio.Queue[dict[str, Any]]]":
        async with self._opening:
            if self._socket is None or self._socket.closed:
                await self._open()
        assert self._socket
        number, queue = str(next(self._numbers)), asyncio.Queue[dict[str, Any]]()
        self._queues[number] = queue
        payload = {"query": WATCH, "variables": variables}
        await self._socket.send_json({"id": number, "type": "subscribe", "payload": payload})
        return number, queue

    def forget(self, number: str) -> None:
        self._queues.pop(number, None)

    async def _open(self) -> None:
        url = self._url.replace("http", "ws", 1) + "/graphql"
        self._socket = await self._http.ws_connect(url, protocols=["graphql-transport-ws"])
        await self._socket.send_json({"type": "connection_init", "payload": {"token": self._token}})
        ack = await self._socket.receive_json()
        assert ack["type"] == "connection_ack", ack
        self._reading = asyncio.create_task(self._read(self._socket))

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            received = json.loads(message.data)
            if received["type"] == "ping":
                await socket.send_json({"type": "pong"})
            elif queue := self._queues.get(received.get("id", "")):
                queue.put_nowait(received)
        for queue in self._queues.values():
            queue.put_nowait({"type": "closed"})


class ClientBook:
    """The customers, and what they write down."""

    def __init__(self, settings: dict[str, Any], http: aiohttp.ClientSession, file: TextIO) -> None:
        self._settings = settings
        self._file = file
        self._http = http
        self._chance = random.Random(settings["seed"])
        self._sockets = [Socket(http, api, settings["token"]) for api in settings["apis"]]
        self.stopping = asyncio.Event()
        self._is_paused = False

    def pause(self) -> None:
        """No more customers come, or they do again."""
        self._is_paused = not self._is_paused

    def write(self, kind: str, **what: Any) -> None:
        self._file.write(json.dumps({"at": time.time(), "kind": kind, **what}) + "\n")

    async def run(self) -> None:
        """Customers come at their rate until they are stopped."""
        began_s, tasks = time.monotonic(), set[asyncio.Task[None]]()
        for number in count():
            if self.stopping.is_set():
                break
            if not self._is_paused:
                tasks.add(asyncio.create_task(self._customer(f"{self._settings['seed']}-{number}")))
            due_s = began_s + (number + 1) / self._settings["rate"]
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
        await asyncio.gather(*tasks)

    async def _customer(self, reference: str) -> None:
        request_id = await self._create(reference)
        others = [self._watch(request_id)]
        if self._chance.random() < self._settings["repeat"]:
            others.append(self._repeat(reference))
        if self._chance.random() < self._settings["cancel"]:
            others.append(self._cancel(request_id))
        await asyncio.gather(*others)

    async def _repeat(self, reference: str) -> None:
        await asyncio.sleep(self._chance.random())
        await self._create(reference)

    async def _create(self, reference: str) -> str:
        wanted = {**self._settings["input"], "clientReference": reference}
        data = await self._called("create", reference, CREATE, {"input": wanted})
        request = data["createQuoteRequest"]["quoteRequest"]
        self.write("accepted", reference=reference, id=request["id"], expires=request["expiresAt"])
        return request["id"]

    async def _cancel(self, request_id: str) -> None:
        await asyncio.sleep(self._chance.random())
        data = await self._called("cancel", request_id, CANCEL, {"id": request_id})
        found = data["cancelQuoteRequest"]
        if found is None:
            self.write("gone", id=request_id)
            return
        assert found["completedAt"], found
        self.write("cancelled", id=request_id)
        for quote in found["quotes"]:
            if quote["status"] != "PENDING":
                self.write("quote", id=request_id, insurer=quote["insurer"]["id"], status=quote["status"], premium=None)

    async def _called(self, what: str, of: str, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        """The data of a mutation, which is repeated until it is answered."""
        while True:
            api = self._chance.choice(self._settings["apis"])
            began_s = time.monotonic()
            try:
                async with asyncio.timeout(CALL_S_MAX):
                    body = {"query": query, "variables": variables}
                    async with self._http.post(f"{api}/graphql", json=body) as reply:
                        answer = await reply.json(content_type=None)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                self.write("unanswered", of=what, why=type(error).__name__, took=time.monotonic() - began_s)
                await asyncio.sleep(AGAIN_S)
                continue
            if not answer.get("errors"):
                return answer["data"]
            code = answer["errors"][0]["extensions"]["code"]
            self.write("refused", of=what, code=code, name=of, took=time.monotonic() - began_s)
            assert code in LATER, answer
            await asyncio.sleep(AGAIN_S)

    async def _watch(self, request_id: str) -> None:
        after: str | None = None
        while True:
            socket = self._chance.choice(self._sockets)
            try:
                number, queue = await socket.subscribe({"id": request_id, "after": after})
            except (aiohttp.ClientError, OSError, AssertionError):
                await asyncio.sleep(AGAIN_S)
                continue
            try:
                while True:
                    message = await queue.get()
                    if message["type"] in {"closed", "complete"}:
                        break
                    if message["type"] == "error":
                        code = message["payload"][0]["extensions"]["code"]
                        self.write("interrupted", id=request_id, code=code)
                        if code not in LATER:
                            return
                        break
                    event = message["payload"]["data"]["quotes"]
                    after = event["cursor"]
                    if event["__typename"] == "QuotesCompleted":
                        self.write("end", id=request_id, outcome=event["outcome"])
                        return
                    self._write_quote(request_id, event["quote"])
            finally:
                socket.forget(number)
            await asyncio.sleep(AGAIN_S)

    def _write_quote(self, request_id: str, quote: dict[str, Any]) -> None:
        offer = quote["offer"]
        premium = offer["premium"]["amount"] if offer else None
        self.write("quote", id=request_id, insurer=quote["insurer"]["id"], status=quote["status"], premium=premium)


async def main(settings: dict[str, Any], file: TextIO) -> None:
    """Runs until SIGTERM."""
    headers = {"Authorization": f"Bearer {settings['token']}"}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(headers=headers, connector=connector) as http:
        book = ClientBook(settings, http, file)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, book.stopping.set)
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, book.pause)
        await book.run()
        book.write("over")


if __name__ == "__main__":
    known = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    with Path(known["book"]).open("a", encoding="utf-8", buffering=1) as opened:
        asyncio.run(main(known, opened))
