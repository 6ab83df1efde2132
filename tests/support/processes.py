"""The system's own processes, as an operator starts them and as misfortune ends them."""

import asyncio
import math
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from support.forked_processes import SERVERS, ForkedProcess, Streams
from support.plain_http import plain_http
from support.until import until

from sandbox.demo.servers import free_port

STOP_S_MAX = 15.0
ROOT = Path(__file__).parents[2]
ONLY_BY_EXEC = {"LD_PRELOAD", "PYTHONPATH"}
"""Of an environment: what takes effect when an interpreter starts."""


@dataclass(slots=True)
class Process:
    """One `osago …`."""

    popen: "subprocess.Popen[bytes] | ForkedProcess"
    log: Path
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """`kill -9`."""
        self.popen.kill()
        self.popen.wait()

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.popen.pid, number)

    async def ended(self) -> int:
        """The exit code."""
        return await asyncio.to_thread(self.popen.wait, STOP_S_MAX)

    async def stop(self) -> int:
        """SIGTERM, and the exit code."""
        if self.popen.poll() is None:
            self.popen.terminate()
        return await self.ended()

    @property
    def text(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")


@asynccontextmanager
async def osago(
    folder: Path, environment: Mapping[str, str], *arguments: str, port: int = 0, root: Path = ROOT
) -> AsyncGenerator[Process, None]:
    """Runs a command beside the block; it is killed with it. `root` is the tree of the release."""
    log = folder / f"{arguments[0]}-{uuid.uuid4().hex[:8]}.log"
    log.touch()
    is_plain = not environment.keys() & ONLY_BY_EXEC and "--processes" not in arguments and root == ROOT
    if arguments[0] in SERVERS and is_plain:
        streams = Streams(Path(os.devnull), log, log)
        popen = await asyncio.to_thread(ForkedProcess, arguments, environment, folder, streams)
    else:
        popen = _executed(folder, environment, *arguments, root=root, log=log)
    process = Process(popen, log, port)
    try:
        yield process
    finally:
        process.kill()


def _executed(
    folder: Path, environment: Mapping[str, str], *arguments: str, root: Path, log: Path
) -> "subprocess.Popen[bytes]":
    path = os.pathsep.join([str(root), *environment.get("PYTHONPATH", "").split(os.pathsep)])
    with log.open("wb") as output:
        return subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "cli.main", *arguments],
            env={**environment, "PYTHONPATH": path},
            cwd=folder,  # where no other .env lies
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


@asynccontextmanager
async def api_process(
    folder: Path, environment: Mapping[str, str], *arguments: str, root: Path = ROOT
) -> AsyncGenerator[Process, None]:
    """A ready API."""
    port = free_port()
    async with osago(folder, environment, "api", "--port", str(port), *arguments, port=port, root=root) as process:
        await ready(process)
        yield process


@asynccontextmanager
async def worker_process(
    folder: Path, environment: Mapping[str, str], *arguments: str, root: Path = ROOT
) -> AsyncGenerator[Process, None]:
    """A ready worker."""
    port = free_port()
    more = ("--metrics-port", str(port), *arguments)
    async with osago(folder, environment, "worker", *more, port=port, root=root) as process:
        await ready(process)
        yield process


async def ready(process: Process) -> None:
    """Returns as soon as it serves."""
    async with plain_http() as http:
        await until(lambda: _is_ready(process, http))


async def _is_ready(process: Process, http: httpx.AsyncClient) -> bool:
    assert process.popen.poll() is None, process.text
    try:
        return (await http.get(f"{process.url}/readyz")).status_code == 200
    except httpx.TransportError:
        return False


async def together(stack: AsyncExitStack, *processes: AbstractAsyncContextManager[Process]) -> tuple[Process, ...]:
    """Several that get ready at the same time; each is killed with the stack."""
    return tuple(await asyncio.gather(*(stack.enter_async_context(process) for process in processes)))


@asynccontextmanager
async def restarted_worker(folder: Path, environment: Mapping[str, str]) -> AsyncGenerator[list[int], None]:
    """A worker that is started again whenever it ends, as `restart: always` does; the exit codes so far."""
    codes: list[int] = []

    async def keep() -> None:
        while True:
            async with osago(folder, environment, "worker", "--metrics-port", "0") as process:
                await until(lambda process=process: process.popen.poll() is not None, seconds=math.inf)
                codes.append(process.popen.wait())

    keeping = asyncio.create_task(keep())
    try:
        yield codes
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
