"""One failover after the other under load; answers that clients got are compared with the promoted server."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from support.postgresql_cluster import PostgresqlPair, PostgresqlServer
from support.processes import ROOT, Process, api_process, together, worker_process
from support.until import until
from support.world import World

INSURERS: Final = ("sever", "volga")
IN_DOUBT_S: Final = 0.3
QUIET_S: Final = 0.15
"""What was on its way to the clients is in their book when it has not grown for so long."""

_LOST: Final = """
WITH book AS (
    SELECT * FROM jsonb_to_recordset($1::jsonb)
        AS t (kind text, id uuid, insurer text, status text, premium numeric, outcome text)
)
SELECT 'accepted' AS what, b.id::text FROM book b WHERE b.kind = 'accepted'
    AND NOT EXISTS (SELECT 1 FROM osago_requests r WHERE r.id = b.id)
UNION ALL
SELECT 'quote', b.id || ':' || b.insurer || ' ' || b.status FROM book b WHERE b.kind = 'quote' AND NOT EXISTS (
    SELECT 1 FROM osago_quotes q WHERE q.request_id = b.id AND q.insurer_id = b.insurer AND q.status = b.status
    AND (b.premium IS NULL OR b.premium = (q.offer->>'premium')::numeric))
UNION ALL
SELECT b.kind, b.id || ' ' || coalesce(b.outcome, '') FROM book b WHERE b.kind IN ('end', 'cancelled') AND NOT EXISTS (
    SELECT 1 FROM osago_requests r WHERE r.id = b.id AND r.completed_at IS NOT NULL AND r.outcome = coalesce(b.outcome, r.outcome))
"""


@dataclass(eq=False)
class RunningBook:
    """The process of the clients, and their book."""

    popen: "subprocess.Popen[bytes]"
    path: Path
    log: Path

    def lines(self, kind: str = "") -> list[dict[str, Any]]:
        """What has been written down so far, in order."""
        text = self.path.read_text(encoding="utf-8")
        found = [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
        return [line for line in found if not kind or line["kind"] == kind]

    async def is_still(self) -> None:
        """Waits until nothing more is written down."""
        size, since_s = -1, 0.0
        while time.monotonic() - since_s < QUIET_S:
            if (now := self.path.stat().st_size) != size:
                size, since_s = now, time.monotonic()
            await asyncio.sleep(0.02)

    async def until(self, condition: Callable[[list[dict[str, Any]]], Any], *, seconds: float = 60.0) -> Any:
        """Waits for what is to stand in the book."""
        try:
            return await until(lambda: condition(self.lines()), seconds=seconds)
        except AssertionError as error:
            counted = Counter((line["kind"], line.get("code", "")) for line in self.lines())
            raise AssertionError(f"{error}: {counted} {self.log.read_text(encoding='utf-8')[-2000:]}") from None

    def pause(self) -> None:
        """No more customers come, or they do again; those that are there repeat what they asked."""
        self.popen.send_signal(signal.SIGUSR1)

    async def finish(self) -> None:
        """No more customers come; returns when each of them has its end."""
        self.popen.send_signal(signal.SIGTERM)
        await self.until(lambda lines: lines[-1]["kind"] == "over")
        await asyncio.to_thread(self.popen.wait)


@dataclass(eq=False)
class FailoverStage:
    """APIs and workers as processes, over a pair of servers."""

    world: World
    pair: PostgresqlPair
    processes: Sequence[Process]
    apis: Sequence[Process]
    answered: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """Of all rounds."""

    @asynccontextmanager
    async def clients(self, *, rate: float, seed: int, share: float) -> AsyncGenerator[RunningBook, None]:
        """Customers come beside the block; this share of them repeats, and this share cancels."""
        path, log = self.world.folder / f"book-{seed}.jsonl", self.world.folder / f"book-{seed}.log"
        path.touch()
        settings = {
            "apis": [api.url for api in self.apis],
            "token": self.world.token(),
            "input": self.world.new_request(),
            "book": str(path),
            "seed": seed,
            "rate": rate,
            "repeat": share,
            "cancel": share,
        }
        file = self.world.folder / f"book-{seed}.json"
        file.write_text(json.dumps(settings), encoding="utf-8")
        with log.open("wb") as output:
            popen = subprocess.Popen(  # noqa: ASYNC220, S603 - our own program
                [sys.executable, "-m", "support.client_book", str(file)],
                env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            yield RunningBook(popen, path, log)
        finally:
            popen.kill()
            popen.wait()

    def signal(self, number: signal.Signals) -> None:
        """To every process of the product."""
        for process in self.processes:
            assert process.popen.poll() is None, process.text
            process.signal(number)


@asynccontextmanager
async def failover_stage(
    world: World, pair: PostgresqlPair, *, apis: int, workers: int
) -> AsyncGenerator[FailoverStage, None]:
    """A product that knows both servers, the one that is the primary first."""
    world.set(database_url=pair.url(), log_format="json", log_level="info")
    await world.insurers(*INSURERS)
    async with AsyncExitStack() as stack:
        starting = [api_process(world.folder, world.environment) for _ in range(apis)]
        starting += [worker_process(world.folder, world.environment) for _ in range(workers)]
        processes = await together(stack, *starting)
        yield FailoverStage(world, pair, processes, processes[:apis])


@dataclass(frozen=True, slots=True)
class RoundFigures:
    """What one round was like."""

    acknowledged: int
    answered: int
    refused: int
    lost: Sequence[str]
    writable_s: float
    """From the moment in which the product could reach the promoted server to the first acceptance."""
    slowest_refusal_s: float


async def lost_of(server: PostgresqlServer, lines: Sequence[dict[str, Any]]) -> list[str]:
    """What stands in the book and not on the server."""
    return [f"{row['what']} {row['id']}" for row in await server.fetch(_LOST, json.dumps(lines))]


async def round_of_failover(
    stage: FailoverStage, *, rate: float, before_s: float, cut_s: float, seed: int, share: float = 0.3
) -> RoundFigures:
    """The standby is cut off half-way, the primary dies, the standby is promoted; the product stands still until the book is compared.

    In every second round no new customers come soon after the cut.
    """
    pair = stage.pair
    async with stage.clients(rate=rate, seed=seed, share=share) as book:
        await book.until(lambda lines: any(line["kind"] == "end" for line in lines))
        await asyncio.sleep(before_s)
        pair.wire.cut()
        await asyncio.sleep(IN_DOUBT_S)
        if seed % 2:
            book.pause()
        await asyncio.sleep(cut_s - IN_DOUBT_S)
        stage.signal(signal.SIGSTOP)
        await pair.fail_over()
        await book.is_still()
        before = book.lines()
        lost = await lost_of(pair.standby, [*stage.answered, *before])
        began_at = time.time()
        stage.signal(signal.SIGCONT)
        if seed % 2:
            book.pause()
        first = await book.until(lambda lines: _first_accepted(lines, began_at))
        await book.finish()
        after = book.lines()
    refusals = [line for line in after if line["kind"] == "refused"]
    stage.answered += [line for line in after if line["kind"] in {"accepted", "quote", "end", "cancelled"}]
    lost += await lost_of(pair.standby, stage.answered)
    return RoundFigures(
        acknowledged=sum(line["kind"] == "accepted" for line in before),
        answered=sum(line["kind"] in {"quote", "end", "cancelled"} for line in before),
        refused=len(refusals),
        lost=lost,
        writable_s=first["at"] - began_at,
        slowest_refusal_s=max((line["took"] for line in refusals if line["at"] < began_at), default=0.0),
    )


def _first_accepted(lines: Sequence[dict[str, Any]], after: float) -> dict[str, Any] | None:
    return next((line for line in lines if line["kind"] == "accepted" and line["at"] >= after), None)
