"""Load from wrk (Debian's package `wrk`): in C, so that what is measured is not the generator."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sandbox.demo.servers import NoServer

_SCRIPT: Final = """
local file = io.open(os.getenv("BENCH_BODY"), "rb")
wrk.method, wrk.body = "POST", file:read("*a")
file:close()
for name, value in string.gmatch(os.getenv("BENCH_HEADERS"), "([^:\\n]+): ([^\\n]+)") do wrk.headers[name] = value end
function done(summary, latency, requests)
  local e = summary.errors
  print(string.format('JSON{"requests": %d, "duration_us": %d, "failed": %d, "p50_us": %d, "p99_us": %d, "max_us": %d}',
    summary.requests, summary.duration, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(99), latency.max))
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What a slice of load came to. Latencies are of the closed loop: from a request's last byte to its answer's."""

    requests: int
    duration_us: int
    failed: int
    p50_us: int
    p99_us: int
    max_us: int

    @property
    def per_s(self) -> float:
        return self.requests / self.duration_us * 1e6


def load(url: str, body: bytes, headers: Mapping[str, str], *, connections: int, seconds: float) -> Load:
    """POSTs the body over and over, each connection one request at a time.

    Raises:
        NoServer: wrk is not installed.
        ValueError: a request failed; figures of failures are worth nothing.
    """
    wrk = shutil.which("wrk")
    if wrk is None:
        raise NoServer("wrk is needed: apt-get install wrk")
    with tempfile.TemporaryDirectory(prefix="osago-bench-") as folder:
        (Path(folder) / "body").write_bytes(body)
        (Path(folder) / "load.lua").write_text(_SCRIPT, encoding="utf-8")
        printed = subprocess.run(  # noqa: S603 - of this machine
            [wrk, "-t1", f"-c{connections}", f"-d{seconds:g}s", "-s", f"{folder}/load.lua", url],
            env={
                "BENCH_BODY": f"{folder}/body",
                "BENCH_HEADERS": "\n".join(f"{name}: {value}" for name, value in headers.items()),
            },
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    found = Load(**json.loads(next(line for line in printed.splitlines() if line.startswith("JSON"))[4:]))
    if found.failed or not found.requests:
        raise ValueError(f"{found.failed} of {found.requests} requests failed")
    return found
