"""Twelve faults in the running system, each named by an alert, by a red line of the console, and by the story of a request that suffers.

Two APIs, two workers, a real Prometheus that scrapes them with the rules as deployed, and the fault really there. Prometheus
scrapes and evaluates every second in place of every five; its clock, and that of the rules, is the real one.
"""

import asyncio
import contextlib
import signal
import time
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from support.packages import install
from support.processes import worker_process
from support.prometheus import PrometheusAtHand, part_of_prometheus, prometheus, write_targets
from support.reader import reading
from support.stalls import machine_stall
from support.system import Slot, System, started_system
from support.until import until
from support.world import ApiAtHand, World

from app.domain.errors import Unavailable
from app.observability.faults import FaultCode
from app.overview.snapshot_reader import SnapshotReader
from app.overview.system_snapshot import Urgency
from app.story.explain import explain
from app.story.request_story import RequestStory
from cli.explain.fault_text import fault_line
from sandbox.insurers.script.behaviours import Behaviour, Delay, Hang, Processing, Status

FOUND_S_MAX: Final = 60.0
WARM_S: Final = 75.0
"""A mean of the minute before last is needed to know that an insurer is slower than usual."""
EVERY_S: Final = 0.4
READERS: Final = 8
SKEW_S: Final = 30.0
SKEWED: Final = Path(__file__).parents[1] / "support" / "skewed"
MAKE: Final = "Яд"
DEADLY: Final = f"""
import os
import signal

from workers.adapters.rest_poll import RestPoll


class Deadly(RestPoll):
    async def create(self, application, key):
        created = await super().create(application, key)
        if application.vehicle.make == "{MAKE}":
            os.kill(os.getpid(), signal.SIGKILL)
        return created
"""
INSURERS: Final = ("sever", "volga", "ural", "baikal", "kama", "onega")
NAMING: Final = {
    *("OsagoInsurerSlow", "OsagoInsurerFailing", "OsagoInsurerBusy", "OsagoInsurerHangs", "OsagoLaneFull"),
    *("OsagoWorkerLost", "OsagoProcessDown", "OsagoServerDown", "OsagoServerSlow", "OsagoNotifierDown"),
    *("OsagoDeadLetters", "OsagoClockOff", "OsagoSlowReaders"),
}
"""Those about promises and CPU are left out: a machine with other load breaks promises of its own accord."""
FAULTY: Final[dict[str, Behaviour]] = {
    "sever": Delay(seconds=1.5),
    "volga": Status(status=500),
    "ural": Status(status=429, retry_after=2),
    "baikal": Hang(),
    "kama": Processing(),
}


NAMED: Final[dict[str, FaultCode]] = {
    "sever": FaultCode.INSURER_SLOW,
    "volga": FaultCode.INSURER_FAILING,
    "ural": FaultCode.INSURER_BUSY,
    "baikal": FaultCode.INSURER_HANGS,
    "kama": FaultCode.JOBS_WAIT,
}
SHOWN: Final = {
    *NAMED.values(),
    *(FaultCode.PROCESS_SILENT, FaultCode.SLOW_READERS, FaultCode.NOTIFIER_DOWN, FaultCode.SERVER_AWAY),
    *(FaultCode.SERVER_SLOW, FaultCode.CLOCK_OFF, FaultCode.DEAD_LETTERS),
}
REQUESTS_KEPT: Final = 60


@dataclass
class Stage:
    """The system with its load, and its Prometheus."""

    world: World
    system: System
    watcher: PrometheusAtHand
    folder: Path
    console: SnapshotReader
    found: dict[str, float] = field(default_factory=dict[str, float])
    requests: deque[str] = field(default_factory=lambda: deque[str](maxlen=REQUESTS_KEPT))
    """Ids of the last ones that were accepted, the newest last."""

    @property
    def apis(self) -> list[ApiAtHand]:
        return [ApiAtHand(slot.process.url, self.world.token(), None) for slot in self.system.apis]

    async def shows(self, code: FaultCode, subject: str = "", *, begins: str = "") -> None:
        """Waits until the console, and `osago top`, have an alarm about the subject, or one that begins so."""

        async def is_shown() -> bool:
            alarms = [one for one in (await self.console.read()).concerns if one.urgency is Urgency.ALARM]
            return any(one.code is code and _is(one.subject, subject, begins) for one in alarms)

        await until(is_shown, seconds=FOUND_S_MAX)
        print(f"{code} {subject or begins}: red")

    async def explains(self, code: FaultCode, what: str = "", *, begins: str = "", request: str = "") -> None:
        """Waits until `osago explain` of a request, the given or any of the last ones, names the fault."""

        async def suffers() -> str | None:
            for id_ in (request,) if request else tuple(reversed(self.requests)):
                with contextlib.suppress(Unavailable):
                    story = await explain(self.console.resources, id_)
                    faults = story.faults if isinstance(story, RequestStory) else ()
                    if any(one.code is code and _is(one.what, what, begins) for one in faults):
                        return id_
            return None

        found = await until(suffers, seconds=FOUND_S_MAX)
        # In words; what goes for now alone may be over by the time at which a command has started.
        story = await explain(self.console.resources, found)
        assert isinstance(story, RequestStory)
        lines = [fault_line(one) for one in story.faults if one.code is code and _is(one.what, what, begins)]
        print(f"osago explain {found}: {lines}")
        assert lines

    async def finds(self, fault: str, alert: str, **labels: str) -> None:
        """Waits until this alert fires; the fault has been there since the call."""
        with machine_stall(*self.world.server_pids) as stall:
            began_at = time.monotonic()
            while not any(one.is_about(alert, **labels) for one in await self.watcher.firing()):
                assert time.monotonic() - began_at < 2 * FOUND_S_MAX, f"{fault}: no {alert} {labels}"
                await asyncio.sleep(0.25)
            took_s = time.monotonic() - began_at
        self.found[fault] = took_s
        print(f"{fault:16} {alert} {labels} after {took_s:.0f} s")
        assert took_s - stall.seconds <= FOUND_S_MAX


def _is(subject: str, wanted: str, begins: str) -> bool:
    return subject.startswith(begins) if begins else subject == wanted


@pytest.mark.long
@pytest.mark.processes
@pytest.mark.timeout(1200)
async def test_each_of_twelve_faults_is_named_within_a_minute_by_alert_console_and_story(
    world: World, tmp_path: Path
) -> None:
    """And none of these alerts fires, and none of these faults is shown or named, before the first of them."""
    part_of_prometheus("prometheus")
    async with staged(world, tmp_path) as stage:
        await asyncio.sleep(WARM_S)
        assert await stage.watcher.fired(minutes=3) & NAMING == set()
        assert {one.code for one in (await stage.console.read()).concerns} & SHOWN == set()
        for request in tuple(stage.requests):
            story = await explain(stage.console.resources, request)
            assert isinstance(story, RequestStory)
            assert {one.code for one in story.faults} & SHOWN == set()
        await insurers_go_wrong(stage)
        async with readers_that_stop(stage) as request:
            slow_readers = asyncio.gather(
                stage.finds("slow readers", "OsagoSlowReaders", job="osago-api"),
                stage.shows(FaultCode.SLOW_READERS, begins="api-"),
                stage.explains(FaultCode.SLOW_READERS, begins="api-", request=request),
            )
            await a_worker_freezes(stage)
            await slow_readers
        await pubsub_is_lost(stage)
        await redis_goes_away(stage)
        await postgresql_slows_down(stage)
        await a_clock_is_off(stage)
        await a_job_is_poison(stage)
        assert len(stage.found) == 12


@asynccontextmanager
async def staged(world: World, folder: Path) -> AsyncGenerator[Stage, None]:
    world.set(quote_deadline="20s", lease="3s", max_deliveries=2, watch_share="2000,500,10/s")
    deadly = install(folder / "deadly", "deadly", DEADLY, {"deadly": "deadly:Deadly"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", deadly)
        async with started_system(world, INSURERS, time_scale=0.0) as system:
            await _with_their_own_settings(world, system)
            jobs = {
                "osago-api": [one.port for one in system.apis],
                "osago-worker": [one.port for one in system.workers],
            }
            (folder / "prometheus").mkdir()
            async with prometheus(folder / "prometheus", jobs) as watcher:
                console = SnapshotReader(await world.resources())
                stage = Stage(world, system, watcher, folder / "prometheus", console)
                load = asyncio.create_task(_load(stage))
                try:
                    yield stage
                finally:
                    load.cancel()
                    system.heal()
                    with contextlib.suppress(asyncio.CancelledError):
                        await load


async def _with_their_own_settings(world: World, system: System) -> None:
    """A lane with few places, and an adapter that can be poisoned; the workers begin anew with them."""
    each = {"kama": {"max_in_flight": 2}, "onega": {"adapter": "deadly"}}
    more = {"poll_interval": "200ms", "request_timeout": "2s"}
    world.write_insurers(*INSURERS, more=more, each=each)
    for slot in system.slots:
        await slot.process.stop()
        await system.restart(slot)
    await system.ready()


async def _load(stage: Stage) -> None:
    """Requests one after the other, half of them watched; while something is away, they fail."""
    async with asyncio.TaskGroup() as tasks:
        number = 0
        while True:
            number += 1
            tasks.create_task(_one(stage, is_watched=number % 2 == 0))
            await asyncio.sleep(EVERY_S)


async def _one(stage: Stage, *, is_watched: bool) -> None:
    with contextlib.suppress(Exception):  # what a fault does to a caller is other tests' matter
        async with asyncio.timeout(30):
            api = stage.apis[is_watched]
            accepted = await stage.world.accepted(api)
            stage.requests.append(accepted["quoteRequest"]["id"])
            if is_watched:
                await stage.world.watched(api, accepted)


async def insurers_go_wrong(stage: Stage) -> None:
    """Each in its own way, all at the same time: none is taken for another."""
    for insurer, behaviour in FAULTY.items():
        stage.world.sandbox.set_mode(insurer, behaviour)
    await asyncio.gather(
        stage.finds("slow insurer", "OsagoInsurerSlow", insurer="sever"),
        stage.finds("failing insurer", "OsagoInsurerFailing", insurer="volga"),
        stage.finds("429", "OsagoInsurerBusy", insurer="ural"),
        stage.finds("hanging insurer", "OsagoInsurerHangs", insurer="baikal"),
        stage.finds("lane full", "OsagoLaneFull", insurer="kama"),
        *(stage.shows(code, insurer) for insurer, code in NAMED.items()),
        *(stage.explains(code, insurer) for insurer, code in NAMED.items()),
    )
    accused = {one.labels["insurer"] for one in await stage.watcher.firing() if "insurer" in one.labels}
    accused |= {one.subject for one in (await stage.console.read()).concerns}
    assert "onega" not in accused
    for insurer in FAULTY:
        stage.world.sandbox.set_mode(insurer, None)


async def a_worker_freezes(stage: Stage) -> None:
    slot = stage.system.workers[1]
    stage.world.sandbox.set_mode("kama", Processing())  # it holds jobs, which others take over
    await asyncio.sleep(2)
    consumer = await _consumer(stage, slot)
    slot.process.signal(signal.SIGSTOP)
    await asyncio.gather(
        stage.finds("worker frozen", "OsagoWorkerLost", worker=consumer),
        _down(stage, slot),
        stage.shows(FaultCode.PROCESS_SILENT, consumer),
        stage.explains(FaultCode.PROCESS_SILENT, consumer),
    )
    slot.process.signal(signal.SIGCONT)
    stage.world.sandbox.set_mode("kama", None)


async def _down(stage: Stage, slot: Slot) -> None:
    async def fires() -> bool:
        return any(one.is_about("OsagoProcessDown", instance=_instance(slot)) for one in await stage.watcher.firing())

    await until(fires, seconds=2 * FOUND_S_MAX)


async def _consumer(stage: Stage, slot: Slot) -> str:
    found = await stage.watcher._get("query", query=f'osago_worker{{instance="{_instance(slot)}"}} == 1')
    return found["result"][0]["metric"]["worker"]


def _instance(slot: Slot) -> str:
    return f"127.0.0.1:{slot.port}"


@asynccontextmanager
async def readers_that_stop(stage: Stage) -> AsyncGenerator[str, None]:
    """Watchers of one request; it yields the id of that."""
    api = stage.apis[0]
    accepted = await stage.world.accepted(api)
    async with AsyncExitStack() as stack:
        for _ in range(READERS):
            reader = await stack.enter_async_context(reading(api.graphql, accepted["watchToken"]))
            await reader.watch(accepted["quoteRequest"]["id"])
        yield accepted["quoteRequest"]["id"]


async def pubsub_is_lost(stage: Stage) -> None:
    """Redis is well, and SUBSCRIBE does not come through."""
    stage.system.redis_proxy.refuse(b"SUBSCRIBE")
    await stage.system.at_hand.client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    await asyncio.gather(
        stage.finds("pub/sub lost", "OsagoNotifierDown", part="notifier", job="osago-api"),
        stage.shows(FaultCode.NOTIFIER_DOWN, begins="api-"),
        stage.explains(FaultCode.NOTIFIER_DOWN, begins="api-"),
    )
    assert not any(one.is_about("OsagoServerDown") for one in await stage.watcher.firing())
    stage.system.redis_proxy.refuse(None)


async def redis_goes_away(stage: Stage) -> None:
    stage.system.redis_proxy.go_down()
    await asyncio.gather(
        stage.finds("Redis away", "OsagoServerDown", server="redis"),
        stage.shows(FaultCode.SERVER_AWAY, "redis"),
        stage.explains(FaultCode.SERVER_AWAY, "redis"),
    )
    stage.system.redis_proxy.come_back()


async def postgresql_slows_down(stage: Stage) -> None:
    stage.system.postgresql_proxy.delay_s = 0.15
    await asyncio.gather(
        stage.finds("PostgreSQL slow", "OsagoServerSlow", server="postgresql"),
        stage.shows(FaultCode.SERVER_SLOW, "postgresql"),
        stage.explains(FaultCode.SERVER_SLOW, "postgresql"),
    )
    stage.system.postgresql_proxy.delay_s = 0.0


async def a_clock_is_off(stage: Stage) -> None:
    """A worker of another machine joins, with a clock that is off."""
    environment = {**stage.world.environment, "WALL_CLOCK_WRONG_BY_S": str(SKEW_S)}
    environment["PYTHONPATH"] = f"{SKEWED}:{environment['PYTHONPATH']}"
    async with worker_process(stage.world.folder, environment, "--name", "skewed") as worker:
        ports = [*(slot.port for slot in stage.system.workers), worker.port]
        write_targets(stage.folder, "osago-worker", ports)
        await asyncio.gather(
            stage.finds("clock off", "OsagoClockOff", instance=f"127.0.0.1:{worker.port}"),
            stage.shows(FaultCode.CLOCK_OFF, begins="skewed-"),
            stage.explains(FaultCode.CLOCK_OFF, begins="skewed-"),
        )
        others = [one for one in await stage.watcher.firing() if one.is_about("OsagoClockOff")]
        assert len(others) == 1
        write_targets(stage.folder, "osago-worker", ports[:-1])
        assert await worker.stop() == 0


async def a_job_is_poison(stage: Stage) -> None:
    """It kills two workers, which are started again, and is then asked about apart."""
    request: dict[str, Any] = stage.world.new_request()
    request["application"]["vehicle"]["make"] = MAKE
    keeping = asyncio.create_task(_restart_the_dead(stage))
    try:
        accepted = await stage.world.accepted(stage.apis[0], application=request["application"])
        poisoned = accepted["quoteRequest"]["id"]
        # Two workers have to die and start before there is a letter: a busy machine's stall is taken off here alone.
        await stage.finds("poison job", "OsagoDeadLetters", insurer="onega")
        await asyncio.gather(
            stage.shows(FaultCode.DEAD_LETTERS),
            stage.explains(FaultCode.DEAD_LETTERS, "onega", request=poisoned),
        )
    finally:
        keeping.cancel()


async def _restart_the_dead(stage: Stage) -> None:
    while True:
        for slot in stage.system.workers:
            if slot.process.popen.poll() is not None:
                await stage.system.restart(slot)
        await asyncio.sleep(0.2)
