"""Ten insurers in one process, by a bare protocol: `rest-poll`, each application answered after a time of its own.

They think as long as those of the sandbox do, within bounds, and keep a book of their calls; but a call costs them some
20 µs, where the sandbox's scripts and tariff take ten times as much: it is the product that is to be measured, also on a
machine that all of them share. `python -m bench.insurers PORT LEAST_S MOST_S`.
"""

import asyncio
import sys
import time
from dataclasses import dataclass
from hashlib import blake2b
from math import exp, log
from statistics import NormalDist
from typing import Final, cast

import uvloop

from bench.light_insurer import OFFER, response
from sandbox.insurers.model.application_store import application_id, offer_number
from sandbox.insurers.model.catalogue import INSURERS


def premium(insurer_id: str, key: str) -> str:
    """The premium of one application, unlike any other's. `key` is its idempotency key."""
    kopecks = int.from_bytes(blake2b(f"{insurer_id}\0{key}\0premium".encode(), digest_size=4).digest(), "big")
    return f"{3000 + kopecks % 1_500_000 / 100:.2f}"


@dataclass(slots=True)
class _TakenIn:
    """An application. Moments are seconds since 1970 by the clock of this machine, as users have them."""

    id: str
    insurer_id: str
    key: str
    ready_at: float
    first_at: float
    last_at: float
    calls: int = 1


class _Insurers:
    def __init__(self, least_s: float, most_s: float) -> None:
        self._least_s, self._most_s = least_s, most_s
        self._by_id: dict[str, _TakenIn] = {}

    def create(self, insurer_id: str, key: str, body: bytes) -> bytes:
        id_, now = application_id(insurer_id, key), time.time()
        known = self._by_id.get(id_)
        if known is None:
            ready_at = now + self._thinks_s(insurer_id, body)
            self._by_id[id_] = _TakenIn(id_, insurer_id, key, ready_at, now, now)
        else:
            known.last_at, known.calls = now, known.calls + 1
        return response("202 Accepted", {"applicationId": id_})

    def poll(self, id_: str) -> bytes:
        known, now = self._by_id.get(id_), time.time()
        if known is None:
            return response("404 Not Found", {"error": "UNKNOWN_APPLICATION"})
        known.last_at, known.calls = now, known.calls + 1
        if known.ready_at > now:
            return _PROCESSING
        answered = {"number": offer_number(known.insurer_id, id_), "premium": premium(known.insurer_id, known.key)}
        return response("200 OK", {"status": "offered", "offer": OFFER | answered})

    def book(self) -> bytes:
        """Of each application, by its key: when it was called about first and last, and how often."""
        return response("200 OK", {one.key: [one.first_at, one.last_at, one.calls] for one in self._by_id.values()})

    def _thinks_s(self, insurer_id: str, body: bytes) -> float:
        """As the sandbox draws it: by what the application says."""
        digest = blake2b(insurer_id.encode() + body, digest_size=8).digest()
        draw = ((int.from_bytes(digest, "big") >> 12) + 0.5) / 2**52
        profile = INSURERS[insurer_id]
        drawn_s = exp(NormalDist(log(profile.latency_median_s), profile.latency_spread).inv_cdf(draw))
        return min(max(drawn_s, self._least_s), self._most_s)


class _Connection(asyncio.Protocol):
    """Requests come one after the other, as our clients send them."""

    def __init__(self, insurers: _Insurers) -> None:
        self._insurers = insurers
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received = self._received + data if self._received else data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if end and len(body) >= int(_header(head, b"content-length:") or 0):
            self._received = b""
            self._transport.write(self._answer(head, body))

    def _answer(self, head: bytes, body: bytes) -> bytes:
        method, path, _ = head.split(b" ", 2)
        insurer_id, _, rest = path[1:].decode().partition("/")
        if insurer_id == "book":
            return self._insurers.book()
        if method == b"POST":
            return self._insurers.create(insurer_id, _header(head, b"idempotency-key:").decode(), body)
        return self._insurers.poll(rest.rpartition("/")[2])


def _header(head: bytes, name: bytes) -> bytes:
    """The value, or nothing. Names are looked for as they are and as aiohttp writes them."""
    for written in (name, name.title()):
        _, found, rest = head.partition(b"\r\n" + written)
        if found:
            return rest.split(b"\r\n", 1)[0].strip()
    return b""


_PROCESSING: Final = response("200 OK", {"status": "processing"})


async def _main(port: int, least_s: float, most_s: float) -> None:
    insurers = _Insurers(least_s, most_s)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(insurers), "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])))
