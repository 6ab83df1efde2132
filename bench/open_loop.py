"""An open loop: requests are sent when their moment comes, however long the answers to earlier ones take.

A thin protocol and bytes made beforehand: its own CPU stands beside the figure. Latency counts from the moment at which
a request was due, so that a generator or a server that falls behind cannot hide it.
"""

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast
from urllib.parse import urlsplit

CONNECTIONS: Final = 256


@dataclass(frozen=True, slots=True)
class Offered:
    """What became of the requests."""

    per_s: float
    p50_ms: float
    p99_ms: float
    failed: int
    generator_cpu: float

    @property
    def note(self) -> str:
        return (
            f"{self.per_s:.0f}/s answered, {self.failed} failed, p50 {self.p50_ms:.1f} ms, "
            f"generator {self.generator_cpu:.0%} of a core"
        )


class _Connection(asyncio.Protocol):
    """One request at a time; `idle` gets it back when the answer is there whole."""

    def __init__(self, idle: "deque[_Connection]", latencies_s: list[float]) -> None:
        self._idle = idle
        self._latencies_s = latencies_s
        self._received = b""
        self._due = 0.0
        self.failed = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._idle.append(self)

    def ask(self, request: bytes, due: float) -> None:
        self._due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or len(body) < _length(head):
            return
        self.failed += b"QuoteRequestAccepted" not in body
        self._received = b""
        self._latencies_s.append(time.perf_counter() - self._due)
        self._idle.append(self)


def _length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"content-length:")
    return int(rest.split(b"\r", 1)[0])


async def offer(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    per_s: int,
    seconds: float,
    over: asyncio.Event | None = None,
    look_every_s: float = 0.0005,
) -> Offered:
    """Offers so many requests a second for so long, or until it is over."""
    parts = urlsplit(url)
    sent = {"Host": parts.netloc, "Content-Length": str(len(body)), **headers}
    request = f"POST {parts.path} HTTP/1.1\r\n".encode()
    request += "".join(f"{name}: {value}\r\n" for name, value in sent.items()).encode() + b"\r\n" + body
    idle: deque[_Connection] = deque()
    latencies_s: list[float] = []
    connections: list[_Connection] = []
    for _ in range(CONNECTIONS):
        _, one = await asyncio.get_running_loop().create_connection(
            lambda: _Connection(idle, latencies_s), parts.hostname or "", parts.port or 80
        )
        connections.append(one)
    cpu, begun = time.process_time(), time.perf_counter()
    due = deque(begun + number / per_s for number in range(int(per_s * seconds)))
    count = len(due)
    while len(latencies_s) < count:
        if over and over.is_set() and due:
            count -= len(due)
            due.clear()
        now = time.perf_counter()
        while due and idle and due[0] <= now:
            idle.popleft().ask(request, due.popleft())
        await asyncio.sleep(look_every_s)
    elapsed = time.perf_counter() - begun
    latencies_s.sort()
    return Offered(
        per_s=count / elapsed,
        p50_ms=latencies_s[count // 2] * 1000,
        p99_ms=latencies_s[int(count * 0.99)] * 1000,
        failed=sum(one.failed for one in connections),
        generator_cpu=(time.process_time() - cpu) / elapsed,
    )
