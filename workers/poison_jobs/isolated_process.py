"""An isolated process for suspect jobs, where none of them can harm a worker."""

import asyncio
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from app.codecs.quote_codec import decode_quote
from app.domain.quote import Answer
from app.redis.job_streams import Delivery
from workers.poison_jobs.crash_marker import NO_JOB, CrashMarker

TRACE_LENGTH_MAX: Final = 8000
_LINE_BYTES_MAX: Final = 1024 * 1024
_COMPLAINT_BYTES_MAX: Final = 64 * 1024
_PLACE: Final = re.compile(
    r"\s*File \"[^\"]*\", line \d+,? in [\w.<>]+|Fatal Python error: [A-Za-z ]+|(?:Current thread|Thread) 0x[0-9a-f]+.*:"
)


def places_in(complaints: bytes) -> str:
    """The lines of standard error that name a place in the code or a fatal error; other lines may hold personal data."""
    return "\n".join(filter(_PLACE.fullmatch, complaints.decode(errors="replace").splitlines()))


async def _end_of(stream: asyncio.StreamReader) -> bytes:
    """The last bytes of a stream of any length."""
    end = b""
    while part := await stream.read(_COMPLAINT_BYTES_MAX):
        end = (end + part)[-_COMPLAINT_BYTES_MAX:]
    return end


class IsolatedOutcome(msgspec.Struct):
    """The outcome of one suspect: a quote's document, a trace of its failure, or neither where the end came first."""

    insurer: str
    request: UUID
    quote: str | None = None
    trace: str | None = None


encode_outcome: Final = msgspec.json.Encoder().encode
_decode_outcome: Final = msgspec.json.Decoder(IsolatedOutcome).decode


@dataclass(eq=False, slots=True)
class SuspectJob:
    """A job that was delivered too often. `verdict` is its answer; None where the end came first."""

    insurer_id: str
    delivery: Delivery
    ends_at: datetime
    verdict: "asyncio.Future[Answer | None]"
    trace: str = ""
    """The span of the job, in its short form; empty: it is not traced."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A suspect that failed by itself, or whose process died (`reason` is then `killed`)."""

    suspect: SuspectJob
    reason: str
    trace: str
    is_marked: bool = False
    """Whether the process died in one of its steps: it is most likely the one."""


class IsolatedProcess:
    """An isolated process, from its start to its end."""

    def __init__(self, suspects: Sequence[SuspectJob]) -> None:
        self._left = {(suspect.insurer_id, suspect.delivery.request_id): suspect for suspect in suspects}
        self._failures: list[Failure] = []

    async def run(self, seconds: float) -> list[Failure]:
        """Lets them ask, and gives each its answer as it comes; returns those that have got none."""
        with tempfile.TemporaryFile() as shared:
            CrashMarker.prepare(shared.fileno())
            marker, numbers = CrashMarker(shared.fileno()), list(self._left)
            trace = await self._run(shared.fileno(), seconds)
        marked = numbers[marker.marked] if marker.marked != NO_JOB else None
        killed = [Failure(left, "killed", trace, is_marked=key == marked) for key, left in self._left.items()]
        return self._failures + killed

    async def _run(self, shared: int, seconds: float) -> str:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-X", "faulthandler", "-m", "workers.poison_jobs.isolated_main", str(shared)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            pass_fds=[shared],
            limit=_LINE_BYTES_MAX,
        )
        collecting = asyncio.create_task(self._collect(process))
        try:
            async with asyncio.timeout(seconds):
                return await collecting
        except TimeoutError:
            return "it did not end"
        finally:
            collecting.cancel()
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def _collect(self, process: asyncio.subprocess.Process) -> str:
        """Returns the places in the code that it named on standard error: faulthandler names those of a crash."""
        assert process.stdin is not None  # noqa: S101 - they are pipes
        assert process.stdout is not None  # noqa: S101
        assert process.stderr is not None  # noqa: S101
        names = "".join(f"{insurer} {request} {one.trace}\n" for (insurer, request), one in self._left.items())
        process.stdin.write(f"{names}\n".encode())
        complaints = asyncio.create_task(_end_of(process.stderr))
        async for line in process.stdout:
            self._take(line)
        return places_in(await complaints)[-TRACE_LENGTH_MAX:]

    def _take(self, line: bytes) -> None:
        try:
            outcome = _decode_outcome(line)
        except msgspec.MsgspecError:
            return  # an adapter prints
        suspect = self._left.pop((outcome.insurer, outcome.request), None)
        if suspect is None:
            return
        if outcome.trace is not None:
            self._failures.append(Failure(suspect, "failed", outcome.trace[-TRACE_LENGTH_MAX:]))
        elif not suspect.verdict.done():
            answer = decode_quote(outcome.request, outcome.quote).answer if outcome.quote else None
            suspect.verdict.set_result(answer)
