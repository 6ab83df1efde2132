"""A Redis failover with Sentinel, once, for well-known libraries: what becomes of jobs that no replica had.

A master, its replica, a Sentinel. The replica is cut off, jobs are enqueued and answered for, the master is killed while the
worker stands still, the replica is promoted, the worker goes on. The first figure of each is how many of the jobs have run half a
minute later; the second how long after the new master's first write jobs run that are enqueued from then on.
Ours are in tests/chaos/test_redis_failover.py: all of them, within three seconds.
"""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from redis import Redis
from redis.exceptions import RedisError

from bench.installed import NotInstalled
from bench.measured_processes import family
from bench.peer_process import DidNotFinish, Peer, peer
from bench.rows import Row
from sandbox.demo.servers import end_with_parent, free_port, redis_binary, wait_for_port

LINE: Final = "failover"
PROGRAMS: Final = Path(__file__).parent / "peer"
PEERS: Final = ("arq", "taskiq_redis", "streaq", "faststream")
MASTER: Final = "main"
JOBS: Final = 100
LOST_S_MAX: Final = 30.0
NEW_S_MAX: Final = 30.0
PROMOTED_S_MAX: Final = 30.0


@dataclass(frozen=True, slots=True)
class _Servers:
    """Ports of the three, and the master's process."""

    master: int
    replica: int
    sentinel: int
    process: "subprocess.Popen[bytes]"


def rows() -> list[Row]:
    """Two rows of each peer."""
    found: list[Row] = []
    for name in PEERS:
        what = name.replace("_", "-")
        try:
            ran, new_s = _failed_over(PROGRAMS / f"{name}_job.py")
        except (NotInstalled, DidNotFinish) as problem:
            found.append(
                Row(
                    LINE, f"{what}: jobs of a lost tail that run", None, "", note=f"{type(problem).__name__}: {problem}"
                )
            )
            continue
        found.append(
            Row(
                LINE,
                f"{what}: jobs of a lost tail that run",
                ran,
                "",
                JOBS,
                None,
                f"of {JOBS}, within {LOST_S_MAX:g} s",
            )
        )
        note = "" if new_s is not None else f"none of them within {NEW_S_MAX:g} s"
        found.append(Row(LINE, f"{what}: new jobs run, after the new master", new_s, "s", None, None, note))
    return found


def _failed_over(program: Path) -> tuple[int, float | None]:
    with (
        tempfile.TemporaryDirectory(prefix="osago-failover-", ignore_cleanup_errors=True) as folder,
        _servers(Path(folder)) as servers,
    ):
        _is_whole(servers)
        settings = {
            "PEER_REDIS_URL": f"redis://127.0.0.1:{servers.master}/0",
            "PEER_SENTINEL": f"127.0.0.1:{servers.sentinel}",
            "PEER_JOBS": str(JOBS),
        }
        with peer(program, **settings) as made:
            return _measured(made, servers)


def _measured(made: Peer, servers: _Servers) -> tuple[int, float | None]:
    replica = _client(servers.replica)
    _enqueue(made)
    with made.running("work") as worker:
        made.wait_for("all", worker)
        replica.config_set("masterauth", "wrong")
        replica.execute_command("CLIENT", "KILL", "TYPE", "master")
        _signal(worker.pid, signal.SIGSTOP)
        before = _ran(made)
        _enqueue(made)
        servers.process.kill()
        servers.process.wait()
        _until(lambda: replica.execute_command("ROLE")[0] == "master")
        promoted_at = time.monotonic()
        _signal(worker.pid, signal.SIGCONT)
        while _ran(made) < before + JOBS and time.monotonic() < promoted_at + LOST_S_MAX:
            time.sleep(0.1)
        ran = _ran(made) - before
        replica.close()
        return ran, _new_s(made, before + ran, promoted_at)


def _new_s(made: Peer, before: int, promoted_at: float) -> float | None:
    """Until jobs run that are enqueued after the failover, less the wait for the lost ones."""
    waited_s = time.monotonic() - promoted_at
    try:
        _enqueue(made)
    except DidNotFinish:
        return None
    enqueued_at = time.monotonic()
    while _ran(made) < before + JOBS:
        if time.monotonic() > enqueued_at + NEW_S_MAX:
            return None
        time.sleep(0.05)
    return time.monotonic() - promoted_at - waited_s


def _enqueue(made: Peer) -> None:
    with made.running("enqueue") as process:
        made.wait_for_end(process)


def _ran(made: Peer) -> int:
    """Different jobs that have run."""
    try:
        return len(set((made.folder / "ran").read_text(encoding="ascii").split()))
    except FileNotFoundError:
        return 0


def _signal(pid: int, number: signal.Signals) -> None:
    for one in family(pid):
        os.kill(one, number)


def _client(port: int) -> Any:
    return Redis(port=port, decode_responses=True)


def _is_whole(servers: _Servers) -> None:
    """Waits until the replica has its master's data, and Sentinel knows it."""
    replica, sentinel = _client(servers.replica), _client(servers.sentinel)
    _until(lambda: replica.execute_command("ROLE")[3:4] == ["connected"] and _known(sentinel))
    for client in (replica, sentinel):
        client.close()


def _until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + PROMOTED_S_MAX
    while not condition():
        if time.monotonic() > until:
            raise DidNotFinish("the servers did not come to be what they were to be")
        time.sleep(0.005)


def _known(sentinel: Any) -> bool:
    try:
        return bool(sentinel.execute_command("SENTINEL", "REPLICAS", MASTER))
    except RedisError:
        return False


@contextmanager
def _servers(folder: Path) -> Generator[_Servers]:
    master, replica, sentinel = free_port(), free_port(), free_port()
    plain = ['save ""', "repl-diskless-sync-delay 0"]
    watching = [f"sentinel monitor {MASTER} 127.0.0.1 {master} 1", f"sentinel down-after-milliseconds {MASTER} 1000"]
    with (
        _server(folder, master, *plain) as process,
        _server(folder, replica, *plain, f"replicaof 127.0.0.1 {master}"),
    ):
        time.sleep(0.5)  # Sentinel looks at its master once, then every ten seconds
        with _server(folder, sentinel, *watching, is_sentinel=True):
            yield _Servers(master, replica, sentinel, process)


@contextmanager
def _server(folder: Path, port: int, *lines: str, is_sentinel: bool = False) -> "Generator[subprocess.Popen[bytes]]":
    config = folder / f"{port}.conf"
    common = [
        f"port {port}",
        "bind 127.0.0.1",
        f"dir {folder}",
        f"logfile {folder}/{port}.log",
        f"dbfilename {port}.rdb",
    ]
    config.write_text("\n".join([*common, *lines]) + "\n", encoding="utf-8")
    command = [str(redis_binary(folder)), str(config), *(["--sentinel"] if is_sentinel else [])]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, preexec_fn=end_with_parent)  # noqa: S603, PLW1509 - a binary of ours; one system call
    try:
        wait_for_port(port, process)
        yield process
    finally:
        process.kill()
        process.wait()
