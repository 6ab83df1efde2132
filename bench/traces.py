"""Traces: CPU of the API per createQuoteRequest with 1 % of them sampled, beside the same API without traces, in turns.

Both serve at once, over the same servers. Spans go to a collector that only counts bytes; the thread that sends them belongs to
what is measured.
"""

import contextlib
import http.server
import threading
from collections.abc import Generator, Mapping
from statistics import median
from typing import Final

from bench.accept_line import IN_FLIGHT, SETTINGS
from bench.measured_processes import cpu_s
from bench.rows import Row, Target
from bench.system import create_body, system
from bench.wrk import load

LINE: Final = "traces"
SLICE_S: Final = 1.0
ROUNDS: Final = 12
CALLERS: Final = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"}
"""A caller that traces, and has not sampled this request."""


def rows() -> list[Row]:
    """The rows of this line."""
    with system(**SETTINGS) as made, _collector() as endpoint:
        headers = {"Authorization": f"Bearer {made.token()}", "Content-Type": "application/json"}
        sampled = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
            "OTEL_TRACES_SAMPLER_ARG": "0.01",
        }
        found: dict[str, list[tuple[float, float]]] = {"1 % sampled, CPU": [], "… by a caller that samples none": []}
        with made.api() as (off_pid, off_url), made.api(environment=sampled) as (on_pid, on_url):
            for number in range(ROUNDS + 1):
                for pairs, more in zip(found.values(), ({}, CALLERS), strict=True):
                    sent = {**headers, **more}
                    pair = _slice(on_pid, on_url, sent), _slice(off_pid, off_url, sent)
                    if number:  # the first round warms up
                        pairs.append(pair)
        return [_row(what, pairs) for what, pairs in found.items()]


def _slice(pid: int, url: str, headers: Mapping[str, str]) -> float:
    """Microseconds of the process's CPU per request."""
    before = cpu_s(pid)
    requests = load(url, create_body(), headers, connections=IN_FLIGHT, seconds=SLICE_S).requests
    return (cpu_s(pid) - before) / requests * 1e6


def _row(what: str, pairs: list[tuple[float, float]]) -> Row:
    figure, yardstick = (min(side) for side in zip(*pairs, strict=True))
    middle = median(one / other for one, other in pairs)
    return Row(LINE, what, figure, "µs", yardstick, Target(1.05, of="ratio"), f"median of pairs {middle:.3f}")


@contextlib.contextmanager
def _collector() -> Generator[str]:
    """The endpoint of one that takes everything."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Taking)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()


class _Taking(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Not on standard error."""
