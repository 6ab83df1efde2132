"""WebSockets are admitted by rate; one that is refused hears when to come again, in the way that it can read."""

import re
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from support.raw_http import HANDSHAKE, RawConnection, close_code, raw_connection
from support.world import World

from app.observability import metrics
from app.server.connect_admission import JITTER, RETRY_S_MAX, RETRY_S_MIN, SLICE_S, WAIT_S_MAX, ConnectAdmission
from app.server.drain_schedule import SPREAD_S_MAX, DrainSchedule

RATE = 100
FAST = 1000
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="


@dataclass
class Client:
    """An upgrade, and what became of it."""

    is_open: bool = True
    is_admitted: bool = False
    waits_s: list[float] = field(default_factory=list[float])

    def admit(self) -> None:
        self.is_admitted = True

    def refuse_for(self, retry_after_s: float) -> None:
        self.waits_s.append(retry_after_s)


def crowd(admission: ConnectAdmission, size: int, now_s: float = 0.0) -> list[Client]:
    clients = [Client() for _ in range(size)]
    for client in clients:
        admission.enter(client, now_s)
    return clients


def count_admitted(clients: list[Client]) -> int:
    return sum(client.is_admitted for client in clients)


async def test_a_crowd_is_admitted_at_the_rate() -> None:
    """A slice is admitted at once, as many as the rate allows in the wait, and the others are refused at once."""
    admission = ConnectAdmission(FAST, lot=lambda: 0.0)
    clients = crowd(admission, 5 * FAST)
    refused = [client for client in clients if client.waits_s]
    at_once = count_admitted(clients)
    assert at_once <= FAST * SLICE_S
    assert FAST <= 5 * FAST - len(refused) <= FAST + 2 * at_once
    for turn in range(1, int(1.2 / SLICE_S)):
        before = count_admitted(clients)
        admission.run_turn(turn * SLICE_S)
        assert count_admitted(clients) - before <= FAST * SLICE_S
    assert count_admitted(clients) == 5 * FAST - len(refused)


async def test_refused_ones_come_again_one_after_the_other() -> None:
    """They come at the rate, behind those that wait; the last of a large crowd within `RETRY_S_MAX`."""
    admission = ConnectAdmission(RATE, lot=lambda: 0.0)
    waits_s = [client.waits_s[0] for client in crowd(admission, 1000) if client.waits_s]
    assert waits_s[0] >= WAIT_S_MAX
    steps = [later - earlier for earlier, later in pairwise(waits_s) if later < RETRY_S_MAX]
    assert steps == pytest.approx([1 / RATE] * len(steps))
    assert max(waits_s) == RETRY_S_MAX


async def test_moments_have_jitter() -> None:
    """It only ever adds, so that a moment is never too early."""
    least, most = ConnectAdmission(RATE, lot=lambda: 0.0), ConnectAdmission(RATE, lot=lambda: 1.0)
    (early,), (late,) = crowd(least, 200)[-1].waits_s, crowd(most, 200)[-1].waits_s
    assert late == pytest.approx(early * (1 + JITTER))
    assert early >= RETRY_S_MIN


async def test_a_busy_process_admits_fewer() -> None:
    """Its turns come late, and each admits a slice; the moments that it gives are further apart by as much."""
    admission = ConnectAdmission(FAST, lot=lambda: 0.0)
    clients = crowd(admission, FAST // 2)
    for turn in range(1, 9):
        admission.run_turn(turn * 0.1)
    assert count_admitted(clients) <= 9 * FAST * SLICE_S
    kept = [client for client in clients if not client.is_admitted]
    kept += [client for client in crowd(admission, FAST, now_s=0.8) if not client.waits_s]
    assert len(kept) < FAST // 2


async def test_one_that_has_waited_too_long_is_refused() -> None:
    """Such a wait happens in a process that stood still."""
    admission = ConnectAdmission(RATE)
    clients = crowd(admission, 10)
    admission.run_turn(WAIT_S_MAX + 0.1)
    assert count_admitted(clients) == 1
    assert all(client.waits_s for client in clients[1:])


async def test_one_that_has_gone_takes_no_place() -> None:
    """The next one is admitted in its stead."""
    admission = ConnectAdmission(RATE)
    clients = crowd(admission, 3)
    clients[1].is_open = False
    admission.run_turn(SLICE_S)
    assert [client.is_admitted for client in clients] == [True, False, True]


def test_sockets_of_a_process_that_ends_are_closed_one_after_the_other() -> None:
    """The rate is half of that of connects, and all are closed within the drain."""
    few, many = DrainSchedule(RATE / 2), DrainSchedule(RATE / 2)
    assert [few.next_delay_s(3) for _ in range(3)] == pytest.approx([0.0, 0.02, 0.04])
    delays = [many.next_delay_s(4500) for _ in range(4500)]
    assert delays == sorted(delays)
    assert SPREAD_S_MAX * 0.99 < delays[-1] <= SPREAD_S_MAX


async def refused_over(connection: RawConnection, more: bytes = b"") -> bytes:
    connection.write(HANDSHAKE.replace(b"\r\n\r\n", b"\r\n" + more + b"\r\n") % (b"/graphql", KEY))
    return await connection.rest()


async def test_what_is_refused_hears_when_to_come_again(world: World) -> None:
    """A program by `Retry-After`; a page by the reason of the close frame, as its browser shows it nothing else."""
    world.set(connect_rate="1/h")
    world.write_insurers("sever")
    api = await world.api()
    before = metrics.CONNECTS_REFUSED._value.get()
    async with raw_connection(api.url) as first, raw_connection(api.url) as program, raw_connection(api.url) as page:
        await first.shake_hands()
        answer = await refused_over(program)
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        (seconds,) = re.findall(rb"retry-after: (\d+)\r\n", head)
        (said,) = re.findall(rb"try again in (\d+\.\d\d) s\n", body)
        assert 0 < float(said) <= float(seconds)

        answer = await refused_over(page, f"Origin: {api.url}\r\n".encode())
        head, _, frames = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ")
        assert b"sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
        assert b"sec-websocket-protocol: graphql-transport-ws" in head
        assert close_code(frames) == 1013
        assert re.fullmatch(rb"Too many connections: try again in \d+\.\d\d s", frames[4:])
    assert metrics.CONNECTS_REFUSED._value.get() - before == 2


async def test_without_a_rate_all_are_admitted(world: World) -> None:
    """The setting is `off`."""
    world.set(connect_rate="off")
    world.write_insurers("sever")
    api = await world.api()
    async with raw_connection(api.url) as first, raw_connection(api.url) as second:
        await first.shake_hands()
        await second.shake_hands()
