"""Floods: a healthy client's p99, and the growth of the API process, beside one peer that floods with each kind.

The API is a process of its own. The peer is another one, on a bare socket, which writes as fast as it is read for `FLOOD_S`, and
connects again whenever it is cut off; what comes back is read and dropped. The healthy client asks `/healthz` every 10 ms.
"""

import asyncio
import base64
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import uvloop

from bench.measured_processes import rss_bytes
from bench.rows import Row, Target
from bench.system import create_body, system

LINE: Final = "floods"
FLOOD_S: Final = 3.0
ASKED_EVERY_S: Final = 0.01
P99_MS: Final = 50
GROWTH_MIB: Final = 50
MIB: Final = 1 << 20
UNAVAILABLE_S: Final = 10.0

_HEAD: Final = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
_CHUNKED: Final = _HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
_QUERY: Final = b'{"query": "{ insurers { id } }"}'
_GET: Final = b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"


def _frame(first: int, payload: bytes = b"") -> bytes:
    size = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return bytes([first]) + size + bytes(4) + payload


def _message(text: Mapping[str, object]) -> bytes:
    return _frame(0x81, json.dumps(text).encode())


def _operation(query: str) -> bytes:
    return _message({"id": "1", "type": "subscribe", "payload": {"query": query}})


@dataclass(frozen=True, slots=True)
class Flood:
    """What a peer writes: `first` once for a connection, then `piece` again and again."""

    piece: bytes
    first: bytes = b""
    is_socket: bool = False
    is_initialised: bool = False
    is_read: bool = True
    piece_bytes: int = 0
    """Written in parts of so many bytes, each in a packet of its own."""


_PING, _PONG, _CONT, _TEXT = 0x89, 0x8A, 0x00, 0x01
_WATCH: Final = 'subscription { quotes(requestId: "01900000-0000-7000-8000-000000000000") { cursor } }'
FLOODS: Final[Mapping[str, Flood]] = {
    "nothing": Flood(b""),
    "empty pings": Flood(_frame(_PING) * 20_000, is_socket=True),
    "pings of 125 bytes": Flood(_frame(_PING, b"x" * 125) * 1000, is_socket=True),
    "pings, pongs not read": Flood(_frame(_PING, b"x" * 125) * 1000, is_socket=True, is_read=False),
    "pongs": Flood(_frame(_PONG) * 20_000, is_socket=True),
    "empty continuations": Flood(_frame(_CONT) * 20_000, _frame(_TEXT), is_socket=True),
    "continuations of a byte": Flood(_frame(_CONT, b"x") * 20_000, _frame(_TEXT), is_socket=True),
    "messages of 500 fragments": Flood(
        (_frame(_TEXT) + _frame(_CONT, b" ") * 500 + _frame(0x80, b'{"type":"ping"}')) * 20,
        is_socket=True,
        is_initialised=True,
    ),
    "empty texts": Flood(_frame(0x81) * 20_000, is_socket=True),
    "pings of GraphQL": Flood(_message({"type": "ping"}) * 2000, is_socket=True, is_initialised=True),
    "completes of GraphQL": Flood(
        _message({"type": "complete", "id": "x"}) * 2000, is_socket=True, is_initialised=True
    ),
    "subscribe and complete": Flood(
        (_operation(_WATCH) + _message({"type": "complete", "id": "1"})) * 200, is_socket=True, is_initialised=True
    ),
    "queries over a socket": Flood(
        b"".join(
            _message({"id": str(number), "type": "subscribe", "payload": {"query": "{ insurers { id } }"}})
            for number in range(500)
        ),
        is_socket=True,
        is_initialised=True,
    ),
    "handshakes": Flood(b"", is_socket=True),
    "trailers": Flood(b"a:\r\n" * 32_768, _CHUNKED + b"0\r\n"),
    "a trailer without end": Flood(b"a" * 65_536, _CHUNKED + b"0\r\nx: "),
    "chunk extensions": Flood((b"1;" + b"e" * 200 + b"\r\nx\r\n") * 300, _CHUNKED),
    "chunks of a byte": Flood(b"1\r\n \r\n" * 20_000, _CHUNKED),
    "chunks of a byte, answered": Flood(b"1\r\n \r\n" * 20_000, _CHUNKED.replace(b"/graphql", b"/nowhere")),
    "a body without end": Flood(b" " * 262_144, _HEAD + b"Content-Length: 999999999999\r\n\r\n"),
    "pipelined requests": Flood(_GET * 4000),
    "pipelined, not read": Flood(_GET * 4000, is_read=False),
    "pipelined queries": Flood((_HEAD + b"Content-Length: %d\r\n\r\n%b" % (len(_QUERY), _QUERY)) * 1000),
    "headers": Flood(b"a: 1\r\n" * 20_000, _HEAD),
    "a header without end": Flood(b"a" * 65_536, _HEAD + b"x: "),
    "line ends": Flood(b"\r\n" * 60_000),
    "heads byte by byte": Flood(_HEAD + b"x: " + b"y" * 20_000, piece_bytes=1),
    "bodies byte by byte": Flood(_HEAD + b"Content-Length: 20000\r\n\r\n" + b" " * 20_000, piece_bytes=1),
    "frames byte by byte": Flood(_frame(0x01, b" " * 20_000), is_socket=True, piece_bytes=1),
    "no HTTP": Flood(b"\x16\x03\x01" * 20_000),
    "upgrades to h2c": Flood((_HEAD + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\n{}") * 1000),
    "mutations that are refused": Flood(
        (_HEAD + b"Content-Length: %d\r\n\r\n" % len(create_body()) + create_body()) * 20
    ),
}


def rows() -> list[Row]:
    """The rows of this line."""
    with system(OSAGO_ADMISSION_AGE="off") as made, made.api() as (pid, url):
        return [row for kind in FLOODS for row in _flooded(kind, pid, url, made.token())]


def _flooded(kind: str, pid: int, url: str, token: str) -> list[Row]:
    before = rss_bytes(pid)
    arguments = [sys.executable, "-m", "bench.floods", kind, url, token]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE)  # noqa: S603 - ours
    try:
        latencies_ms, grown = uvloop.run(_asked(url, lambda: rss_bytes(pid) - before))
    finally:
        out, _ = process.communicate(timeout=30)
    return _rows(kind, latencies_ms, grown, out.decode().strip())


def _rows(kind: str, latencies_ms: list[float], grown: int, note: str) -> list[Row]:
    ordered = sorted(latencies_ms)
    p99 = ordered[int(len(ordered) * 0.99)]
    note = f"{note}; median {ordered[len(ordered) // 2]:.1f} ms, most {ordered[-1]:.0f} ms"
    return [
        Row(LINE, f"{kind}: p99 of others", p99, "ms", None, Target(P99_MS), note),
        Row(LINE, f"{kind}: growth", grown / MIB, "MiB", None, Target(GROWTH_MIB)),
    ]


async def _asked(url: str, grown: Callable[[], int]) -> tuple[list[float], int]:
    """Latencies of a client that asks at fixed moments, each counted from its moment; and the most that the process grew."""
    place = urlsplit(url)
    await asyncio.sleep(0.3)  # the flood begins
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    found: list[float] = []
    most, begun = 0, time.perf_counter()
    due = begun
    while due < begun + FLOOD_S:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.wait_for(reader.readuntil(b"alive\n"), UNAVAILABLE_S)
        found.append((time.perf_counter() - due) * 1000)
        most = max(most, grown())
        due += ASKED_EVERY_S
    writer.close()
    return found, most


def flood(kind: str, url: str, token: str) -> None:
    """Floods until it is time to end, and prints how much was written over how many connections."""
    one, place = FLOODS[kind], urlsplit(url)
    until, written, connections = time.monotonic() + FLOOD_S + 0.5, 0, 0
    while time.monotonic() < until:
        if kind == "nothing":
            time.sleep(0.1)
            continue
        connections += 1
        with socket.create_connection((place.hostname, place.port)) as peer, suppress(OSError):
            peer.settimeout(1.0)
            _begin(peer, one, token)
            if one.is_read:
                threading.Thread(target=_read, args=(peer,), daemon=True).start()
            while time.monotonic() < until and one.piece:
                written += _write(peer, one, until)
    print(f"{written / MIB:.1f} MiB in {connections} connections")


def _begin(peer: socket.socket, one: Flood, token: str) -> None:
    if one.is_socket:
        key = base64.b64encode(os.urandom(16))
        peer.sendall(
            b"GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Protocol: graphql-transport-ws\r\nSec-WebSocket-Key: " + key + b"\r\n\r\n"
        )
        peer.recv(4096)
    if one.is_initialised:
        peer.sendall(_message({"type": "connection_init", "payload": {"token": token}}))
        peer.recv(4096)
    peer.sendall(one.first)


def _write(peer: socket.socket, one: Flood, until: float) -> int:
    if not one.piece_bytes:
        peer.sendall(one.piece)
        return len(one.piece)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    written = 0
    for place in range(0, len(one.piece), one.piece_bytes):
        if time.monotonic() > until:
            break
        peer.sendall(one.piece[place : place + one.piece_bytes])
        written += one.piece_bytes
    return written


def _read(peer: socket.socket) -> None:
    with suppress(OSError):
        while peer.recv(1 << 20):
            pass
        peer.close()


if __name__ == "__main__":
    flood(*sys.argv[1:4])
