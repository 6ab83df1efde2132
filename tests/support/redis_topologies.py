"""Redis with Sentinel and as a Cluster, of real servers: masters that are killed, frozen, deposed, and cut off from their replicas."""

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from redis.asyncio import Redis
from redis.crc import key_slot
from redis.exceptions import RedisError
from support.until import until

from sandbox.demo.servers import NoServer, end_with_parent, free_port, redis_binary, wait_for_port

SLOTS: Final = 16384
MASTER: Final = "main"
DOWN_AFTER_MS: Final = 1000
"""A master that is silent for so long is replaced."""
_ANSWER_S_MAX: Final = 0.3
_BUS_ABOVE: Final = 10_000
"""A node's bus listens so many ports above it."""
_UNCLOSED: Final = ("ignore::pytest.PytestUnraisableExceptionWarning", "ignore:unclosed resource:ResourceWarning")
LEAVES_CONNECTIONS_OPEN: Final = pytest.mark.filterwarnings(*_UNCLOSED)
"""redis-py does: the one by which a client first asks a Cluster for its nodes, those that it closes under calls, and those to
a server that is silent while they begin. uvloop closes no loop in which its warning of them is an error.
"""


class Node:
    """One server of a topology, on one port for its whole life."""

    def __init__(self, binary: Path, folder: Path, *lines: str, port: int = 0, sentinel: bool = False) -> None:
        self.port = port or free_port()
        self._binary = binary
        self._folder = folder / str(self.port)
        self._folder.mkdir(parents=True)
        self._config = self._folder / "redis.conf"
        self.configure(*lines)
        self._more = ["--sentinel"] if sentinel else []
        self._process: subprocess.Popen[bytes] | None = None
        self.client: Any = Redis(
            port=self.port, decode_responses=True, socket_timeout=_ANSWER_S_MAX, socket_connect_timeout=_ANSWER_S_MAX
        )

    def configure(self, *lines: str) -> None:
        """Writes its file anew."""
        common = [f"port {self.port}", "bind 127.0.0.1", f"dir {self._folder}", f"logfile {self._folder / 'log'}"]
        self._config.write_text("\n".join([*common, "daemonize no", *lines]) + "\n", encoding="utf-8")

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Starts it; what it has written into its own file stays."""
        self._process = subprocess.Popen(  # noqa: S603 - a binary of ours
            [str(self._binary), str(self._config), *self._more],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=end_with_parent,  # noqa: PLW1509 - one system call, no locks
        )
        try:
            wait_for_port(self.port, self._process)
        except NoServer as error:
            log = self._folder / "log"
            raise NoServer(f"{error}\n{log.read_text(encoding='utf-8') if log.is_file() else ''}") from None

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()

    def freeze(self) -> None:
        """Connections stay open, and nothing is answered."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    async def call(self, *words: str | int) -> Any:
        """A command; None where there is no answer."""
        try:
            return await self.client.execute_command(*words)
        except (RedisError, OSError):
            return None

    async def takes_writes(self) -> bool:
        role = await self.call("ROLE")
        return bool(role) and role[0] == "master"

    async def follows(self, master: "Node") -> bool:
        """Whether it has all of this master's data, and gets what is new."""
        role = await self.call("ROLE")
        return bool(role) and role[0] == "slave" and role[2] == master.port and role[3] == "connected"

    async def cut_off(self) -> None:
        """A replica gets nothing more from its master, and may still be promoted: what is written from now on is lost for certain."""
        await self.client.config_set("masterauth", "wrong")
        await self.client.execute_command("CLIENT", "KILL", "TYPE", "master")

    async def join_again(self) -> None:
        """Ends `cut_off`."""
        await self.client.config_set("masterauth", "")

    async def close(self) -> None:
        await self.client.aclose()
        if self._process and self._process.poll() is None:
            os.kill(self.pid, signal.SIGCONT)
        self.kill()


@dataclass
class Shard:
    """A master and its replica; after a failover the other way round."""

    master: Node
    replica: Node

    def swap(self) -> None:
        self.master, self.replica = self.replica, self.master


@dataclass
class Topology:
    """Servers in pairs. `by_hand` begins a failover of one of them without a fault."""

    url: str
    pairs: Sequence[Shard]
    shards: int
    """What OSAGO_SHARDS is to be."""
    by_hand: Callable[[Shard], Any]
    sentinels: Sequence[Node] = ()

    @property
    def is_cluster(self) -> bool:
        return self.url.startswith("redis+cluster")

    @property
    def nodes(self) -> list[Node]:
        return [node for pair in self.pairs for node in (pair.master, pair.replica)]

    def shards_of(self, pair: Shard) -> set[int]:
        """Which of the product's shards a pair of a Cluster has, as long as no slot is moved."""
        place = self.pairs.index(pair)
        return {
            shard for shard in range(self.shards) if place * SLOTS // 3 <= slot_of(shard) < (place + 1) * SLOTS // 3
        }

    async def whole(self) -> None:
        """Waits until every replica follows its master, whichever of a pair that is now."""
        for pair in self.pairs:
            await pair.replica.join_again()
            await until(lambda pair=pair: self._follows(pair), seconds=30)
        # A Sentinel looks at a new replica every ten seconds only, unless it begins anew; all at once, for each has a new name.
        for one in self.sentinels:
            await until(lambda one=one: _names(one, self.pairs[0].master), seconds=30)
        for one in self.sentinels:
            one.kill()
            one.configure(*sentinel_lines(self.pairs[0].master, len(self.sentinels)))
        for one in self.sentinels:
            one.start()
        await self.watched()

    async def _follows(self, pair: Shard) -> bool:
        if await pair.replica.follows(pair.master):
            return True
        if not self.is_cluster:  # Sentinel takes up to half a minute to make a replica of a master that comes back
            await pair.replica.call("REPLICAOF", "127.0.0.1", pair.master.port)
        return False

    async def watched(self) -> None:
        """Waits until every Sentinel knows the others, and the replica."""
        for one in self.sentinels:
            await until(lambda one=one: _knows_all(one, len(self.sentinels) - 1), seconds=30)

    async def failed_over(self, pair: Shard) -> float:
        """Waits until the replica of a pair takes writes; returns when it did."""
        await until(pair.replica.takes_writes, seconds=30)
        pair.swap()
        return time.monotonic()


async def killed(topology: Topology, pair: Shard) -> float:
    """The master of a pair dies with what its replica was cut off from; it comes back empty, as a replica, afterwards."""
    pair.master.kill()
    return await topology.failed_over(pair)


async def frozen(topology: Topology, pair: Shard) -> float:
    """The master of a pair is silent, and wakes when it has been replaced: still a master, as it believes."""
    pair.master.freeze()
    try:
        return await topology.failed_over(pair)
    finally:
        pair.replica.thaw()


async def deposed(topology: Topology, pair: Shard) -> float:
    """An operator has another server take over."""
    await pair.replica.join_again()
    await until(lambda: pair.replica.follows(pair.master), seconds=30)
    await topology.by_hand(pair)
    return await topology.failed_over(pair)


FAILOVERS: Final = {"killed": killed, "frozen": frozen, "deposed": deposed}


@asynccontextmanager
async def sentinel_topology(
    folder: Path, binary: Path | None = None, *, sentinels: int = 1
) -> AsyncGenerator[Topology, None]:
    """A master, a replica, and Sentinels."""
    binary = binary or redis_binary(folder)
    pair = Shard(*(Node(binary, folder, 'save ""', "repl-diskless-sync-delay 0") for _ in range(2)))
    pair.master.start()
    pair.replica.start()
    await pair.replica.client.execute_command("REPLICAOF", "127.0.0.1", pair.master.port)
    await until(lambda: pair.replica.follows(pair.master), seconds=30)
    lines = sentinel_lines(pair.master, sentinels)
    watching = [Node(binary, folder, *lines, sentinel=True) for _ in range(sentinels)]

    async def by_hand(_: Shard) -> None:
        await until(lambda: watching[0].call("SENTINEL", "FAILOVER", MASTER), seconds=30)

    places = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in watching)
    topology = Topology(f"redis+sentinel://{places}/{MASTER}/0", [pair], 1, by_hand, watching)
    try:
        for sentinel in watching:
            sentinel.start()
        await topology.watched()
        yield topology
    finally:
        for node in (*watching, pair.master, pair.replica):
            await node.close()


def sentinel_lines(master: Node, sentinels: int) -> list[str]:
    """The configuration of one of so many Sentinels."""
    return [
        f"sentinel monitor {MASTER} 127.0.0.1 {master.port} {sentinels // 2 + 1}",
        f"sentinel down-after-milliseconds {MASTER} {DOWN_AFTER_MS}",
        f"sentinel failover-timeout {MASTER} 2000",
    ]


async def _state(sentinel: Node) -> dict[str, str]:
    """What a Sentinel knows of the master; empty where it does not answer."""
    state = await sentinel.call("SENTINEL", "MASTER", MASTER)
    return dict(zip(state[::2], state[1::2], strict=True)) if isinstance(state, list) else state or {}


async def _names(sentinel: Node, master: Node) -> bool:
    """Whether its failover is through: earlier, a reset would bring the old master back."""
    state = await _state(sentinel)
    return state.get("port") == str(master.port) and state.get("flags") == "master"


async def _knows_all(sentinel: Node, others: int) -> bool:
    state = await _state(sentinel)
    return bool(state) and int(state["num-other-sentinels"]) == others and int(state["num-slaves"]) >= 1


@asynccontextmanager
async def cluster_topology(
    folder: Path, binary: Path | None = None, *, replicas: bool = True, shards: int = 6
) -> AsyncGenerator[Topology, None]:
    """Three masters that share the slots, each with a replica."""
    binary = binary or redis_binary(folder)
    lines = [
        'save ""',
        "cluster-enabled yes",
        f"cluster-node-timeout {DOWN_AFTER_MS}",
        "cluster-require-full-coverage no",
        "cluster-replica-validity-factor 0",
        "cluster-allow-replica-migration no",
        "repl-diskless-sync-delay 0",
    ]
    nodes = [
        Node(binary, folder, *_lines_of(binary, lines), port=port) for port in _cluster_ports(6 if replicas else 3)
    ]
    masters = nodes[:3]
    try:
        for node in nodes:
            node.start()
        for number, master in enumerate(masters):
            first, last = number * SLOTS // 3, (number + 1) * SLOTS // 3
            await master.client.execute_command("CLUSTER", "ADDSLOTS", *range(first, last))
        # Each its own epoch from the start: else agreeing on one takes them seconds.
        for number, node in enumerate(nodes, 1):
            await node.client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number)
            await node.client.execute_command("CLUSTER", "MEET", "127.0.0.1", nodes[0].port)
        for node in nodes:
            await until(lambda node=node: _is_whole(node, len(nodes)), seconds=30)
        pairs = [Shard(master, replica) for master, replica in zip(masters, nodes[3:] or masters, strict=True)]
        for pair in pairs if replicas else ():
            id_ = await pair.master.client.execute_command("CLUSTER", "MYID")
            await pair.replica.client.execute_command("CLUSTER", "REPLICATE", id_)
        for pair in pairs if replicas else ():
            await until(lambda pair=pair: pair.replica.follows(pair.master), seconds=30)

        async def by_hand(pair: Shard) -> None:
            # Masters that have voted lately refuse, and the attempt ends silently.
            while not await pair.replica.takes_writes():
                await pair.replica.call("CLUSTER", "FAILOVER")
                with contextlib.suppress(AssertionError):
                    await until(pair.replica.takes_writes, seconds=5)

        url = "redis+cluster://" + ",".join(f"127.0.0.1:{master.port}" for master in masters)
        yield Topology(url, pairs, shards, by_hand)
    finally:
        for node in nodes:
            await node.close()


def _lines_of(binary: Path, lines: Sequence[str]) -> list[str]:
    """Without what Redis 6.2 does not know."""
    version = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603
    return [line for line in lines if "v=6." not in version or "allow-replica-migration" not in line]


def _cluster_ports(count: int) -> list[int]:
    ports: list[int] = []
    while len(ports) < count:
        port = free_port(beside=_BUS_ABOVE)
        if not {port, port - _BUS_ABOVE, port + _BUS_ABOVE} & set(ports):
            ports.append(port)
    return ports


async def _is_whole(node: Node, nodes: int) -> bool:
    info = await node.client.execute_command("CLUSTER", "INFO")
    if isinstance(info, str):
        info = dict(line.split(":", 1) for line in info.split("\r\n") if ":" in line)
    return bool(info) and info["cluster_state"] == "ok" and int(info["cluster_known_nodes"]) == nodes


async def move_slot(shard: int, source: Node, target: Node, *, pause_s: float = 0.0) -> int:
    """Moves the slot of one of the product's shards key by key; returns how many keys it had. With a pause after each key
    the servers answer TRYAGAIN and ASK for long.
    """
    slot = slot_of(shard)
    ids = [await node.client.execute_command("CLUSTER", "MYID") for node in (source, target)]
    await target.client.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[0])
    await source.client.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[1])
    moved = 0
    while keys := await source.client.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 10):
        for key in keys:
            await source.call("MIGRATE", "127.0.0.1", target.port, key, 0, 1000)
            moved += 1
            await asyncio.sleep(pause_s)
    for node in (target, source):
        await node.client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", ids[1])
    return moved


def slot_of(shard: int) -> int:
    """The slot of everything that one of the product's shards has."""
    return key_slot(f"osago-{shard:02}".encode())
