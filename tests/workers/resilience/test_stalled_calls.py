"""A process that did not run for a while, or slow connections: no call is repeated, and calls do not bunch."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any, Final

import pytest
import uvloop
from support.book import most_in_any_second
from support.until import until
from support.wire import Insurer, listening
from support.world import World

from app.config.insurers_file import InsurerSettings
from app.config.quantities import Rate
from app.domain.errors import InsurerUnavailable, OurLimit
from app.redis.insurer_states import InsurerStates
from app.runtime.clock import Clock
from workers.adapters.transport.call_timeout import gated
from workers.adapters.transport.insurer_http import InsurerHttp, Reply
from workers.resilience.rate_limit import RateLimit, Turn
from workers.resilience.slot_reservations import Peers

LIMIT: Final = 100
TIMEOUT_S: Final = 0.5
LOOPS: Final = pytest.mark.parametrize(
    "loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)


def http_to(port: int, host: str = "127.0.0.1", **more: Any) -> InsurerHttp:
    wire = {"id": "sever", "name": "Север", "adapter": "rest-poll", "base_url": f"http://{host}:{port}", **more}
    return InsurerHttp(InsurerSettings.model_validate(wire), Clock())


def stall(seconds: float) -> None:
    """The process does not run, as under SIGSTOP, or beside too much else."""
    time.sleep(seconds)


class BesideTheLoop:
    """An insurer in a thread: it answers while the loop of the test stands still."""

    def __init__(self) -> None:
        self.requests = 0
        self.asked, self.may_answer, self.answered = threading.Event(), threading.Event(), threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._is_closed = False
        self._serving = threading.Thread(target=self._serve, daemon=True)
        self._serving.start()

    def close(self) -> None:
        self._is_closed = True
        self.may_answer.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._serving.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                self.requests += 1
                self.asked.set()
                if self.may_answer.wait(60) and not self._is_closed:
                    connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok")
                    self.answered.set()


Call = asyncio.Task[Reply]


def during_a_call(
    insurer: BesideTheLoop,
    loop: Callable[[], asyncio.AbstractEventLoop],
    scene: Callable[[Call], Coroutine[Any, Any, None]],
) -> None:
    """Runs a scene in such a loop, with a create that the insurer has read and not answered yet."""

    async def run() -> None:
        http = http_to(insurer.port, request_timeout=f"{TIMEOUT_S}s")
        call = asyncio.create_task(http.send("POST", "applications", content=b"{}"))
        await until(insurer.asked.is_set)
        await scene(call)
        await http.close()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(run())


@pytest.fixture
def insurer() -> Generator[BesideTheLoop, None, None]:
    made = BesideTheLoop()
    yield made
    made.close()


@LOOPS
def test_an_answer_that_came_while_the_process_stood_still_is_taken(
    insurer: BesideTheLoop, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """It lies in the socket when the time-out is due: the create is neither given up nor repeated."""

    async def scene(call: Call) -> None:
        insurer.may_answer.set()
        assert insurer.answered.wait(10)
        stall(2 * TIMEOUT_S)
        assert (await call).body == b"ok"

    during_a_call(insurer, loop, scene)
    assert insurer.requests == 1


@LOOPS
def test_the_time_in_which_the_process_stood_still_is_not_the_insurers(
    insurer: BesideTheLoop, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """It answers after the stall, and in time."""

    async def scene(call: Call) -> None:
        stall(3 * TIMEOUT_S)
        asyncio.get_running_loop().call_soon(insurer.may_answer.set)
        assert (await call).body == b"ok"

    during_a_call(insurer, loop, scene)
    assert insurer.requests == 1


@LOOPS
def test_an_insurer_that_does_not_answer_is_left_though_the_process_stood_still(
    insurer: BesideTheLoop, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """A stall prolongs the time-out, and ends it no less."""

    async def scene(call: Call) -> None:
        stall(3 * TIMEOUT_S)
        with pytest.raises(InsurerUnavailable):
            await call
        assert not insurer.answered.is_set()

    during_a_call(insurer, loop, scene)


class Callers:
    """Calls of one insurer under one limit, and when each was about to be written."""

    def __init__(self, http: InsurerHttp, limit: RateLimit) -> None:
        self._http = http
        self._limit = limit
        self.let_through = self.gave_up = 0
        self.sent: list[float] = []
        self._calls: list[asyncio.Task[None]] = []

    def call(
        self, times: int, before: Callable[[], Coroutine[Any, Any, Any]] | None = None, left_s: float = 60.0
    ) -> None:
        self._calls += [asyncio.create_task(self._call(before, left_s)) for _ in range(times)]

    async def all_done(self) -> None:
        await asyncio.gather(*self._calls)

    async def _call(self, before: Callable[[], Coroutine[Any, Any, Any]] | None, left_s: float) -> None:
        turn = Turn(self._limit, lambda: left_s, lambda: None)
        try:
            await turn.take()
        except OurLimit:
            self.gave_up += 1
            return
        self.let_through += 1
        if before is not None:
            await before()

        async def keep() -> None:
            await turn.keep()
            self.sent.append(time.monotonic())

        with gated(keep):
            await self._http.send("POST", "applications", content=b"{}")


@asynccontextmanager
async def callers(world: World, host: str = "127.0.0.1", rate: int = LIMIT) -> AsyncGenerator[Callers, None]:
    world.write_insurers("sever")
    resources = await world.resources()
    states = InsurerStates(resources.redis)
    async with listening(Insurer()) as insurer:
        http = http_to(insurer.port, host, request_timeout="20s", connect_timeout="20s")
        limit = RateLimit("sever", "create", Rate(rate, 1), states, Peers(), Clock())
        try:
            yield Callers(http, limit)
        finally:
            await http.close()


async def test_calls_that_waited_for_their_connections_are_not_sent_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each was let through in its moment; a name server kept them all: they go as slots are there again."""
    hanging = threading.Event()
    look_up: Callable[..., Any] = socket.getaddrinfo

    def slow(host: str, *arguments: Any, **more: Any) -> Any:
        if host == "localhost":
            hanging.wait(30)
        return look_up(host, *arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    async with callers(world, "localhost") as calling:
        calling.call(2 * LIMIT)
        await until(lambda: calling.let_through > LIMIT + 20)
        assert calling.sent == []
        hanging.set()
        await calling.all_done()
    assert len(calling.sent) == 2 * LIMIT
    assert most_in_any_second(calling.sent) <= LIMIT


async def test_calls_that_waited_for_something_of_their_adapters_are_not_sent_at_once(world: World) -> None:
    """A token, say, that is fetched once for all."""
    fetched = asyncio.Event()
    async with callers(world) as calling:
        calling.call(2 * LIMIT, fetched.wait)
        await until(lambda: calling.let_through > LIMIT + 20)
        fetched.set()
        await calling.all_done()
    assert len(calling.sent) == 2 * LIMIT
    assert most_in_any_second(calling.sent) <= LIMIT


async def test_a_worker_that_stood_still_has_lost_the_slots_that_passed(world: World) -> None:
    """It goes on at the pace of the limit, and makes up for nothing."""
    async with callers(world) as calling:
        calling.call(4 * LIMIT)
        for count in (30, 130, 230):
            await until(lambda count=count: len(calling.sent) > count)
            stall(0.5)
        await calling.all_done()
    assert len(calling.sent) == 4 * LIMIT
    assert most_in_any_second(calling.sent) <= LIMIT


async def test_a_small_limit_is_spread_and_the_last_ones_give_up_at_once(world: World) -> None:
    """Each of several calls at once knows how long it has to wait: none waits in vain, and they do not bunch."""
    async with callers(world, rate=5) as calling:
        calling.call(30, left_s=4.0)
        await asyncio.sleep(0)
        assert calling.gave_up == 30 - 4 * 5
        await calling.all_done()
    assert len(calling.sent) == 4 * 5
    assert all(later - earlier > 0.15 for earlier, later in pairwise(calling.sent))
