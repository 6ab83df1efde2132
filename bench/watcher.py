"""A watcher as the customer's page is one, by a bare protocol: it comes back by itself, when it is asked to, and goes on from its cursor."""

import asyncio
import base64
import json
import os
import random
import re
import struct
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, cast
from urllib.parse import urlsplit

WATCH: Final = """\
subscription Quotes($requestId: ID!, $after: String) {
  quotes(requestId: $requestId, after: $after) {
    __typename
    ... on QuoteReceived { cursor quote { insurer { id } status } }
    ... on QuotesCompleted { cursor outcome }
  }
}
"""
RETRY_S_FIRST: Final = 0.2
RETRY_S_MAX: Final = 3.0
LOOK_EVERY_S: Final = 0.02
_TRY_AGAIN: Final = re.compile(rb"try again in ([\d.]+) s")
_TEXT: Final = 0x1
_CLOSE: Final = 0x8
_PING: Final = 0x9
_PONG: Final = 0xA
_TWO_BYTES: Final = 126


class Storm:
    """What all watchers share."""

    def __init__(self, insurers: Sequence[str]) -> None:
        self._insurers = Counter(insurers)
        self.refusals = 0

    def begin(self, watchers: Sequence["Watcher"]) -> None:
        """From now on refusals count, and all connections."""
        self.refusals = 0
        for watcher in watchers:
            watcher.is_watching, watcher.watched_at_s = False, 0.0

    async def all_watch(self, watchers: Sequence["Watcher"], *, within_s: float = 120.0) -> None:
        """Returns when each has a connection that has answered its subscription's ping."""
        await self._until(lambda: all(watcher.is_watching or watcher.outcome for watcher in watchers), within_s)

    async def all_ended(self, watchers: Sequence["Watcher"], *, within_s: float) -> None:
        """Returns when each has its end, or the time is up."""
        await self._until(lambda: all(watcher.outcome for watcher in watchers), within_s)

    def faults(self, watchers: Sequence["Watcher"]) -> Counter[str]:
        """What watchers lack, or have twice."""
        found: Counter[str] = Counter()
        for watcher in watchers:
            found["gaps"] += (self._insurers - watcher.quotes).total()
            found["repeats"] += (watcher.quotes - self._insurers).total()
            found["no end"] += not watcher.outcome
            found["never back"] += watcher.watched_at_s == 0.0
        return +found

    async def _until(self, holds: Any, within_s: float) -> None:
        until_s = time.perf_counter() + within_s
        while not holds() and time.perf_counter() < until_s:  # noqa: ASYNC110 - a look at thousands, not an event of one
            await asyncio.sleep(LOOK_EVERY_S)


class Watcher(asyncio.Protocol):
    """One page: its connections, one after the other."""

    def __init__(self, storm: Storm, url: str, address: str, request_id: str, token: str) -> None:
        self.url = url
        self.quotes: Counter[str] = Counter()
        self.outcome = ""
        self.is_watching = False
        self.watched_at_s = 0.0
        self._storm = storm
        self._address = address
        self._variables = {"requestId": request_id, "after": None}
        self._token = token
        self._received = b""
        self._is_open = False
        self._retries = 0
        self._wait_s = 0.0
        self._connecting: asyncio.Task[None] | None = None

    def connect(self) -> None:
        self._connecting = asyncio.create_task(self._connect())

    async def _connect(self) -> None:
        parts = urlsplit(self.url)
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: self, parts.hostname or "", parts.port or 80, local_addr=(self._address, 0)
            )
        except OSError:
            self._come_again()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._received, self._is_open, self._wait_s = b"", False, 0.0
        netloc = urlsplit(self.url).netloc
        key = base64.b64encode(os.urandom(16)).decode()
        self._transport.write(
            f"GET /graphql HTTP/1.1\r\nHost: {netloc}\r\nOrigin: http://{netloc}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._is_open:
            head, end, rest = self._received.partition(b"\r\n\r\n")
            if not end:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self._transport.close()
                return
            self._received, self._is_open = rest, True
            self._send({"type": "connection_init", "payload": {"token": self._token}})
        while frame := self._next_frame():
            self._take(*frame)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - any reason counts alike
        self.is_watching = False
        if not self.outcome:
            self._come_again()

    def _come_again(self) -> None:
        wait_s = min(RETRY_S_MAX, RETRY_S_FIRST * 2**self._retries) * random.uniform(0.5, 1.0)
        self._retries += 1
        asyncio.get_running_loop().call_later(self._wait_s + wait_s, self.connect)

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == _TEXT:
            self._take_message(json.loads(payload))
        elif opcode == _PING:
            self._write(_PONG, payload)
        elif opcode == _CLOSE:
            wait = _TRY_AGAIN.search(payload)
            self._wait_s = float(wait[1]) if wait else 0.0
            self._storm.refusals += bool(wait)
            self._transport.close()

    def _take_message(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "connection_ack":
                payload = {"query": WATCH, "variables": self._variables}
                self._send({"id": "1", "type": "subscribe", "payload": payload})
                self._send({"type": "ping"})
            case "pong":
                self.is_watching, self._retries = True, 0
                self.watched_at_s = self.watched_at_s or time.perf_counter()
            case "next":
                event = message["payload"]["data"]["quotes"]
                self._variables["after"] = event["cursor"]
                if event["__typename"] == "QuoteReceived":
                    self.quotes[event["quote"]["insurer"]["id"]] += 1
                else:
                    self.outcome = event["outcome"]
            case "complete":  # a watcher that gets its end with the first frame is back, too
                self.watched_at_s = self.watched_at_s or time.perf_counter()
                self._transport.close()
            case _:
                raise ValueError(message)

    def _send(self, message: dict[str, Any]) -> None:
        self._write(_TEXT, json.dumps(message).encode())

    def _write(self, opcode: int, payload: bytes) -> None:
        """Masked with zeros: masks are there against proxies, and there is none."""
        length = len(payload)
        size = bytes([0x80 | length]) if length < _TWO_BYTES else b"\xfe" + struct.pack("!H", length)
        self._transport.write(bytes([0x80 | opcode]) + size + bytes(4) + payload)

    def _next_frame(self) -> tuple[int, bytes] | None:
        received = self._received
        if len(received) < 2:
            return None
        size, start = received[1] & 0x7F, 2
        if size == _TWO_BYTES:
            size, start = int.from_bytes(received[2:4], "big"), 4
        if len(received) < start + size:
            return None
        self._received = received[start + size :]
        return received[0] & 0xF, received[start : start + size]
