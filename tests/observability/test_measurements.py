"""What is measured: the promises to callers, and what stands behind them when they are not kept."""

import asyncio
import ssl
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from prometheus_client import REGISTRY
from support.certificates import Authority
from support.socket import opened
from support.until import until
from support.world import World

from app.domain.quote import Outcome, QuoteStatus, ReasonCode, failed
from app.observability import metrics
from app.overview.request_figures import read_open_figures
from app.postgres.database import connected
from app.runtime.group_commit import GroupCommit
from sandbox.insurers.script.behaviours import Processing
from workers.adapters.transport.certificate_expiry import note_client_certificate
from workers.maintenance import backlog_metrics


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


class Grown:
    """How far samples have grown since the block began."""

    def __init__(self) -> None:
        self._before: Mapping[tuple[str, tuple[tuple[str, str], ...]], float] = _samples()

    def by(self, name: str, **labels: str) -> float:
        return value(name, **labels) - self._before.get((name, tuple(sorted(labels.items()))), 0.0)


def _samples() -> Mapping[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for m in REGISTRY.collect() for one in m.samples}


@contextmanager
def growth() -> Generator[Grown, None, None]:
    yield Grown()


async def test_a_request_is_measured_from_its_acceptance_to_its_end_and_a_socket_from_its_resume_to_its_close(
    world: World,
) -> None:
    """One pass through the whole system, and each step of it is counted once."""
    await world.insurers("sever", "volga")
    api = await world.api()
    await world.worker()
    world.sandbox.script("volga", Processing())
    with growth() as grown:
        accepted = await world.accepted(api)
        events = await world.watched(api, accepted)
        async with opened(api.graphql) as socket:
            await socket.init(accepted["watchToken"])
            await socket.watch(accepted["quoteRequest"]["id"], after=events[0]["cursor"])
            await socket.event()
        await until(lambda: grown.by("osago_sockets_closed_total", code="1000") == 1)
    offers = sum(event["quote"]["status"] == "OFFERED" for event in events[:-1])
    ended = {"outcome": "ALL_ANSWERED", "offers": ("none", "one", "more")[offers]}
    assert grown.by("osago_requests_ended_total", **ended) == 1
    assert grown.by("osago_requests_ended_late_total") == 0
    assert grown.by("osago_first_offer_seconds_count") == (1 if offers else 0)
    assert 0 <= grown.by("osago_first_offer_seconds_sum") < 30
    for insurer in ("sever", "volga"):
        assert grown.by("osago_first_call_seconds_count", insurer=insurer) == 1
        assert grown.by("osago_insurer_call_seconds_count", insurer=insurer, step="create") == 1
    assert grown.by("osago_polls_empty_total", insurer="volga") >= 1
    assert grown.by("osago_polls_empty_total", insurer="sever") == 0
    assert grown.by("osago_subscriptions_begun_total", how="new") == 1
    assert grown.by("osago_subscriptions_begun_total", how="resumed") == 1
    for commit in ("accept-commits", "accept-enqueues", "settle-commits", "settle-news", "watch-snapshots", "loading"):
        for metric in ("size", "wait_seconds", "seconds"):
            assert grown.by(f"osago_group_commit_{metric}_count", commit=commit) >= 1
    assert grown.by("osago_pool_wait_seconds_count", of="connection") > 0
    assert grown.by("osago_pool_wait_seconds_count", of="writing") > 0
    assert value("osago_notifier_connected") == 1
    assert value("osago_server_look_seconds", server="redis") > 0
    await until(
        lambda: grown.by("osago_heartbeat_late_seconds_count") and grown.by("osago_event_loop_lag_seconds_count")
    )


async def test_how_a_request_ends_is_counted_with_its_offers_and_whether_it_is_late(world: World) -> None:
    """The code that ends requests counts, for every cause."""
    world.set(quote_deadline="1h")
    await world.insurers("sever", "volga", "ural")
    api, settler = await world.api(), await world.settler()
    ending = settler.resources.ending
    refused = failed(ReasonCode.INTERNAL)
    with growth() as grown:
        accepted = [await world.accepted(api) for _ in range(3)]
        ids = [UUID(one["quoteRequest"]["id"]) for one in accepted]
        await settler.settle(accepted[0], "sever", "volga")
        await settler.settle(accepted[1], "sever")
        await settler.settle(accepted[1], "volga", "ural", answer=refused)
        await world.database.fetch("UPDATE osago_requests SET expires_at = now() - interval '1s' WHERE id = $1", ids[0])
        await ending.complete([ids[0]], Outcome.DEADLINE)
        await ending.complete([ids[2]], Outcome.CANCELLED)
    assert grown.by("osago_requests_ended_total", outcome="DEADLINE", offers="more") == 1
    assert grown.by("osago_requests_ended_total", outcome="ALL_ANSWERED", offers="one") == 1
    assert grown.by("osago_requests_ended_total", outcome="CANCELLED", offers="none") == 1
    assert grown.by("osago_requests_ended_late_total") == 1
    assert grown.by("osago_first_offer_seconds_count") == 2


async def test_open_requests_are_counted_by_what_is_left_of_their_time(world: World) -> None:
    """A request that lacks quotes ten seconds before its end is at risk; one that no process has ended is overdue."""
    world.set(quote_deadline="1h")
    await world.insurers("sever")
    api, resources = await world.api(), await world.resources()
    for _ in range(6):
        await world.accepted(api)
    now = resources.clock.now()
    async with connected(resources.pool) as connection:
        rows = await connection.fetch("SELECT id FROM osago_requests")
        for row, left_s in zip(rows, (-5, 3, 6, 30, 60, 600), strict=True):
            moment = now + timedelta(seconds=left_s)
            await connection.execute("UPDATE osago_requests SET expires_at = $2 WHERE id = $1", row["id"], moment)
        found = await read_open_figures(connection, now, near=backlog_metrics.AT_RISK)
    assert (found.open, found.near - found.overdue, found.overdue) == (6, 2, 1)
    await backlog_metrics.measure(resources)
    assert 5 <= value("osago_requests_open") <= 6
    assert value("osago_requests_at_risk") >= 1


async def test_a_group_commit_reports_how_many_items_it_took_and_how_long_the_oldest_waited() -> None:
    """A group commit without a name reports nothing."""
    gate = asyncio.Event()

    async def flush(batch: Any) -> list[int]:
        await gate.wait()
        return list(batch)

    with growth() as grown:
        commit: GroupCommit[int, int] = GroupCommit(flush, name="tried")
        first = commit.put(1)
        turn = asyncio.create_task(commit.run_once())
        await asyncio.sleep(0)
        others = [commit.put(number) for number in (2, 3, 4)]
        gate.set()
        await turn
        await commit.run_once()
        assert await asyncio.gather(first, *others) == [1, 2, 3, 4]
    assert grown.by("osago_group_commit_size_count", commit="tried") == 2
    assert grown.by("osago_group_commit_size_sum", commit="tried") == 4
    assert grown.by("osago_group_commit_size_bucket", commit="tried", le="1.0") == 1
    assert grown.by("osago_group_commit_wait_seconds_count", commit="tried") == 2
    await GroupCommit(flush).run_once()
    assert value("osago_group_commit_size_count", commit="") == 0


def test_names_of_lost_workers_are_bounded() -> None:
    """A thousand workers that come and go make a hundred series."""
    with growth() as grown:
        for number in range(150):
            metrics.worker_lost(f"worker-{number}")
    assert len(metrics._lost) <= 101
    assert grown.by("osago_workers_lost_total", worker="other") >= 50


async def test_certificates_of_an_insurer_and_of_ours_are_known_by_their_end(world: World, tmp_path: Path) -> None:
    """The insurer's is the one that its connection showed."""
    authority = Authority(tmp_path)
    server, client = authority.sign("localhost", days=20), authority.sign("us", days=5)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*server)
    served = await asyncio.start_server(_unavailable, "127.0.0.1", 0, ssl=context)
    async with served:
        port = served.sockets[0].getsockname()[1]
        tls = {"ca_file": str(authority.file), "cert_file": str(client[0]), "key_file": str(client[1])}
        await world.insurers("sever", more={"base_url": f"https://localhost:{port}", "tls": tls})
        api = await world.api()
        await world.worker()
        await world.accepted(api)
        name = "osago_insurer_certificate_expiry_timestamp_seconds"
        await until(lambda: value(name, insurer="sever", certificate="server"))
    ends = {of: value(name, insurer="sever", certificate=of) for of in ("server", "client")}
    assert abs(ends["server"] - ends["client"] - 15 * 86_400) < 60
    note_client_certificate("other", server[0])
    assert abs(value(name, insurer="other", certificate="client") - ends["server"]) < 1


async def _unavailable(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 503 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    await writer.drain()
    writer.close()


def test_each_end_is_counted_from_zero() -> None:
    """A rate sees the first of its events."""
    for status in QuoteStatus:
        if status is not QuoteStatus.PENDING:
            assert REGISTRY.get_sample_value("osago_quotes_settled_total", {"status": status}) is not None
    for outcome in Outcome:
        for offers in ("none", "one", "more"):
            labels = {"outcome": outcome.value, "offers": offers}
            assert REGISTRY.get_sample_value("osago_requests_ended_total", labels) is not None
    for code in ("1000", "1013", "4403", "other"):
        assert REGISTRY.get_sample_value("osago_sockets_closed_total", {"code": code}) is not None
