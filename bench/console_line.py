"""The operator's console over a large system: how soon its overview is painted, and what it costs the API while it is open.

Sixty insurers, and a hundred thousand jobs that no worker has read. The page is opened in Chromium, by Node and the package of
tests/browser; without them the line says so.
"""

import asyncio
import contextlib
import shutil
import subprocess
import time
from collections.abc import Generator, Sequence
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import IO, Final

from app.api.auth.tokens import Tokens
from app.redis import keys
from app.redis.topology import connect, parse_address
from app.runtime.clock import Clock
from bench.measured_processes import cpu_s
from bench.rows import Row, Target
from bench.system import System, system

LINE: Final = "console"
INSURERS: Final = tuple(f"insurer-{number:02}" for number in range(60))
JOBS: Final = 100_000
ROUNDS: Final = 5
OPEN_S: Final = 20.0
"""The API's CPU is counted for this time without a viewer, and for as long with one."""
PAINTED_S_MAX: Final = 1.0
CORE_SHARE_MAX: Final = 0.01
BROWSER: Final = Path(__file__).parents[1] / "tests" / "browser"
_FIELDS: Final = {"request": "01a2256a-8200-7000-8000-000000000001"}


def rows() -> list[Row]:
    """The rows of this line."""
    painted, cost = "overview painted, 60 insurers and 100,000 waiting jobs", "… while it is open, of a core of the API"
    chromium = shutil.which("chromium")
    if not chromium or not (BROWSER / "node_modules").is_dir():
        note = "needs Chromium, and `npm --prefix tests/browser ci`"
        return [Row(LINE, painted, None, "s", None, Target(PAINTED_S_MAX), note)]
    with system() as made:
        _write_insurers(made)
        asyncio.run(_have_jobs_wait(made))
        with made.api() as (pid, graphql):
            idle = _core_share(pid)
            url = graphql.replace("/graphql", "/operator")
            with _opened(chromium, url, _operator_token(made)) as painted_s:
                shown = _core_share(pid)
    note = f"median {median(painted_s):.2f} s of {len(painted_s)}; from the address to the last row, in Chromium"
    return [
        Row(LINE, painted, min(painted_s), "s", None, Target(PAINTED_S_MAX), note),
        Row(
            LINE,
            cost,
            max(0.0, shown - idle),
            "",
            None,
            Target(CORE_SHARE_MAX),
            f"{shown:.4f} with a viewer, {idle:.4f} without, over {OPEN_S:.0f} s each",
        ),
    ]


def _write_insurers(made: System) -> None:
    tables = [
        f'[[insurer]]\nid = "{id_}"\nname = "{id_.title()}"\nadapter = "rest-poll"\nbase_url = "http://127.0.0.1:9/{id_}"\n'
        for id_ in INSURERS
    ]
    Path(made.environment["OSAGO_INSURERS_FILE"]).write_text("\n".join(tables), encoding="utf-8")


async def _have_jobs_wait(made: System) -> None:
    client = connect(parse_address(made.redis_url))
    for insurer in INSURERS:
        stream, count = keys.jobs(0, insurer), JOBS // len(INSURERS)
        await asyncio.gather(*(client.xadd(stream, _FIELDS, maxlen=JOBS, approximate=True) for _ in range(count)))
    await client.aclose()


def _operator_token(made: System) -> str:
    tokens = Tokens(made.environment["OSAGO_AUTH_SECRET"], Clock(), watch_ttl_s=1)
    return tokens.service_token("bench", "operator", timedelta(hours=1))


def _core_share(pid: int) -> float:
    """Which share of a core the process takes."""
    began_s, spent_s = time.monotonic(), cpu_s(pid)
    time.sleep(OPEN_S)
    return (cpu_s(pid) - spent_s) / (time.monotonic() - began_s)


@contextlib.contextmanager
def _opened(chromium: str, url: str, token: str) -> Generator[Sequence[float]]:
    """Seconds of each painting; the page stays open for the block."""
    command = ["node", str(BROWSER / "paint.mjs"), chromium, url, token, str(len(INSURERS)), str(ROUNDS)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 - ours
    try:
        yield _painted_s(process.stdout)
    finally:
        process.communicate(timeout=30)


def _painted_s(printed: IO[str] | None) -> Sequence[float]:
    found: list[float] = []
    for line in printed or ():
        if line.strip() == "open":
            break
        found.append(float(line) / 1000)
    return found
