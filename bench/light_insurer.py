"""An insurer that costs next to nothing: `rest-poll` by a bare protocol, in a process of its own on another core.

Each application is answered `processing` a few times, then with its offer, at once; under `/hanging` nothing is answered, under
`/flooding-…` the same part again and again, for as long as it is read.
"""

import asyncio
import contextlib
import itertools
import json
import subprocess
import sys
from collections.abc import Generator
from typing import Final, cast

import uvloop

POLLS: Final = 4
"""Polls of an application until its offer is there; with the create that makes five calls a job."""
CALLS_PER_JOB: Final = POLLS + 1

OFFER: Final = {
    "number": "XXX 0123456789",
    "premium": "5432.10",
    "currency": "RUB",
    "coefficients": {
        "baseRate": "8665", "territory": "1.8", "bonusMalus": "0.57", "ageExperience": "0.83",
        "driverRestriction": "1", "power": "1.2", "season": "1",
    },
    "validUntil": "2027-01-01T00:00:00+03:00",
    "purchaseUrl": "https://insurer.example/offers/0123456789",
}  # fmt: skip


def response(status: str, body: object) -> bytes:
    """JSON as an insurer sends it: head and body."""
    content = json.dumps(body).encode()
    return (
        f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
    ).encode() + content


_OFFERED: Final = response("200 OK", {"status": "offered", "offer": OFFER})
_PROCESSING: Final = response("200 OK", {"status": "processing"})


_CHUNKED: Final = b"HTTP/1.1 202 Accepted\r\ntransfer-encoding: chunked\r\n\r\n"
FLOODS: Final = {
    "interims": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 5_000),
    "extensions": (_CHUNKED + b"1;", b"a" * 65_536),
    "chunks": (_CHUNKED, b"1\r\na\r\n" * 10_000),
    "headers": (b"HTTP/1.1 202 Accepted\r\n", b"a: b\r\n" * 10_000),
}
"""By what they consist of: a beginning, and what follows it without an end."""


class _Insurer(asyncio.Protocol):
    """One connection; requests come whole and one after the other, as our clients send them."""

    _numbers: Final = itertools.count()
    _left: Final[dict[bytes, int]] = {}

    def __init__(self) -> None:
        self._received = self._flood = b""
        self._is_full = False

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        self._pour()

    def _pour(self) -> None:
        while self._flood and not self._is_full and not self._transport.is_closing():
            self._transport.write(self._flood)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or len(body) < _length(head):
            return
        self._received = b""
        path = head.split(b" ", 2)[1]
        if path.startswith(b"/hanging"):
            return
        if path.startswith(b"/flooding-"):
            beginning, self._flood = FLOODS[path.split(b"/")[1].removeprefix(b"flooding-").decode()]
            self._transport.write(beginning)
            self._pour()
            return
        self._transport.write(self._created() if head.startswith(b"POST") else self._polled(head))

    def _created(self) -> bytes:
        id_ = f"{next(self._numbers):012}"
        self._left[id_.encode()] = POLLS - 1
        return response("202 Accepted", {"applicationId": id_})

    def _polled(self, head: bytes) -> bytes:
        id_ = head.split(b" ", 2)[1].rpartition(b"/")[2]
        left = self._left.get(id_, 0)
        if left:
            self._left[id_] = left - 1
            return _PROCESSING
        self._left.pop(id_, None)
        return _OFFERED


def _length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"content-length:")
    return int(rest.split(b"\r", 1)[0]) if found else 0


@contextlib.contextmanager
def serving() -> Generator[str, None, None]:
    """The base URL of one that runs beside the block; `…/hanging` in its place never answers."""
    with subprocess.Popen([sys.executable, "-m", "bench.light_insurer"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None  # noqa: S101 - for the type checker
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/insurer"
        finally:
            process.kill()


async def _main() -> None:
    server = await asyncio.get_running_loop().create_server(_Insurer, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_main())
