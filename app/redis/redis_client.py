"""Redis as this product calls it: redis-py's commands with the types that our connections give, and one error.

Strings are decoded, the protocol is RESP3, answers are the modern ones. What a call raises that is no answer of the server
becomes `RedisAway` here and nowhere else.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self

from redis.exceptions import RedisClusterException, RedisError, ResponseError

from app.domain.errors import RedisAway

_ANSWERS: Final = ("NOSCRIPT", "NOGROUP", "BUSYGROUP")
"""Errors with which a server that works answers: the caller knows what to do."""
_CLOSED_MEANWHILE: Final = (AttributeError, RuntimeError)
"""Errors of a call when redis-py's Cluster client, or `RedisClient.drop_connections`, has closed its connection."""
_MASTERS_ASKED_MAX: Final = 3
_FAILURES: Final = (RedisError, RedisClusterException, OSError, LookupError, *_CLOSED_MEANWHILE)
"""LookupError: its list of a Cluster's nodes lacks the one that it looks for."""


class _OneError:
    """Makes one error of all those with which redis-py reports that Redis did not answer."""

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if not isinstance(error, _FAILURES):
            return
        refusal = _refusal(error)
        if refusal not in _ANSWERS:
            raise RedisAway(refusal or type(error).__name__, refusal=refusal) from error


_ONE_ERROR: Final = _OneError()


class Pipeline:
    """Commands that are sent together."""

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline

    def hget(self, name: str, key: str) -> None:
        self._pipeline.hget(name, key)

    def xack(self, name: str, group: str, *ids: str) -> None:
        self._pipeline.xack(name, group, *ids)

    def xdel(self, name: str, *ids: str) -> None:
        self._pipeline.xdel(name, *ids)

    async def execute(self, *, raise_on_error: bool = True) -> list[Any]:
        """The replies; with `raise_on_error=False` those of commands that failed are exceptions."""
        with _ONE_ERROR:
            return await self._pipeline.execute(raise_on_error=raise_on_error)


class PubSub:
    """A connection that listens, closed at the end of its block."""

    def __init__(self, pubsub: Any) -> None:
        self._pubsub = pubsub

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        with _ONE_ERROR:
            await self._pubsub.aclose()

    async def subscribe(self, *channels: str) -> None:
        with _ONE_ERROR:
            await self._pubsub.subscribe(*channels)

    async def ssubscribe(self, *channels: str) -> None:
        """To sharded pub/sub (Redis 7): channels of one slot."""
        with _ONE_ERROR:
            await self._pubsub.ssubscribe(*channels)

    async def ping(self) -> None:
        with _ONE_ERROR:
            await self._pubsub.ping()

    async def get_message(self, *, timeout: float) -> Mapping[str, Any] | None:
        with _ONE_ERROR:
            return await self._pubsub.get_message(timeout=timeout)


class RedisClient:
    """One client of redis-py's, for one server, for Sentinel or for a Cluster. Every method raises RedisAway.

    `repeats`: a call whose connection was closed by another task is made once more. For clients whose calls are all idempotent.
    """

    def __init__(
        self,
        client: Any,
        *,
        repeats: bool = False,
        listener: "Callable[[tuple[str, int] | None], RedisClient] | None" = None,
    ) -> None:
        self._client = client
        self._repeats = repeats
        self._listener = listener
        self._master: object = None
        self.is_cluster = hasattr(client, "nodes_manager")

    async def evalsha(self, sha: str, numkeys: int, *keys_and_args: str | bytes | int) -> Any:
        return await self._answer(lambda: self._client.evalsha(sha, numkeys, *keys_and_args))

    async def eval(self, script: str, numkeys: int, *keys_and_args: str | bytes | int) -> Any:
        return await self._answer(lambda: self._client.eval(script, numkeys, *keys_and_args))

    async def xreadgroup(
        self, group: str, consumer: str, stream: str, after: str, *, count: int, block: int | None
    ) -> Mapping[str, Sequence[tuple[str, Mapping[str, str]]]]:
        """Of one stream. In a Cluster the node is named: redis-py asks one node of its own choice for the keys of each
        XREADGROUP, and for ever the same one, be it dead.
        """
        with _ONE_ERROR:
            if not self.is_cluster:
                return await self._client.xreadgroup(group, consumer, {stream: after}, count=count, block=block)
            await self._initialize()
            node = self._client.get_node_from_key(stream)
            words: list[str | int] = ["XREADGROUP", "GROUP", group, consumer, "COUNT", count]
            words += [] if block is None else ["BLOCK", block]
            return await self._client.execute_command(*words, "STREAMS", stream, after, target_nodes=node)

    async def xgroup_create(self, name: str, group: str, first: str, *, mkstream: bool) -> None:
        with _ONE_ERROR:
            await self._client.xgroup_create(name, group, first, mkstream=mkstream)

    async def xadd(self, name: str, fields: Mapping[str, str], *, maxlen: int, approximate: bool) -> str:
        with _ONE_ERROR:
            return await self._client.xadd(name, fields, maxlen=maxlen, approximate=approximate)

    async def xlen(self, name: str) -> int:
        return await self._answer(lambda: self._client.xlen(name))

    async def xdel(self, name: str, *ids: str) -> int:
        return await self._answer(lambda: self._client.xdel(name, *ids))

    async def xrange(self, name: str, *, min: str, max: str, count: int) -> Sequence[tuple[str, Mapping[str, str]]]:
        return await self._answer(lambda: self._client.xrange(name, min=min, max=max, count=count))

    async def execute_command(self, *args: str | int, NEVER_DECODE: bool) -> Any:  # noqa: N803 - redis-py's name
        return await self._answer(lambda: self._client.execute_command(*args, NEVER_DECODE=NEVER_DECODE))

    async def info(self, section: str) -> Mapping[str, Any]:
        """One section of INFO; a Cluster has no one server to ask."""
        return await self._answer(lambda: self._client.info(section))

    async def time(self) -> tuple[int, int]:
        return await self._answer(self._client.time)

    async def delete(self, *names: str) -> int:
        return await self._answer(lambda: self._client.delete(*names))

    async def zrem(self, name: str, *values: str) -> int:
        return await self._answer(lambda: self._client.zrem(name, *values))

    async def set(self, name: str, value: str, *, px: int, nx: bool = False) -> bool:
        """Whether it was set: with `nx` not where the key is there already."""
        return bool(await self._answer(lambda: self._client.set(name, value, px=px, nx=nx)))

    async def ping(self) -> object:
        return await self._answer(self._client.ping)

    def pubsub(self) -> PubSub:
        with _ONE_ERROR:
            return PubSub(self._client.pubsub())

    def pipeline(self, *, transaction: bool) -> Pipeline:
        with _ONE_ERROR:
            return Pipeline(self._client.pipeline(transaction=transaction))

    def new_listener(self, node: tuple[str, int] | None = None) -> "RedisClient":
        """A client for the notifier, to the same Redis, or to one node of a Cluster; its user closes it."""
        if self._listener is None:
            raise TypeError("only the shared client makes listeners")
        return self._listener(node)

    async def masters_of(self, keys: Sequence[str]) -> Mapping[tuple[str, int], Sequence[str]]:
        """Host and port of the masters of a Cluster that serve these keys, asked for anew.

        Raises:
            RedisAway: a slot has no server, too.
        """
        with _ONE_ERROR:
            await self._initialize()
            await self._client.nodes_manager.initialize()
            found: dict[tuple[str, int], list[str]] = {}
            for key in keys:
                node = self._client.get_node_from_key(key)
                if node is None:
                    raise RedisAway("slot not served")
                found.setdefault((node.host, int(node.port)), []).append(key)
            return found

    async def has_other_master(self) -> bool:
        """Whether Sentinel names another master than the last time; False without Sentinel, and the first time.

        Connections to the one before stay as they are until `drop_connections`.
        """
        pool: Any = getattr(self._client, "connection_pool", None)
        if not hasattr(pool, "sentinel_manager"):
            return False
        with _ONE_ERROR:
            known, self._master = self._master, await pool.sentinel_manager.discover_master(pool.service_name)
        return known not in {None, self._master}

    async def drop_connections(self) -> None:
        """Breaks the connections, those of calls under way too, and those of a Cluster to servers that are no masters any more.

        What is called next asks where the master is. Never raises.
        """
        with suppress(RedisAway), _ONE_ERROR:
            if not self.is_cluster:
                await self._client.connection_pool.disconnect(inuse_connections=True)
                return
            await self._client.nodes_manager.initialize()
            for node in self._client.get_replicas():
                await node.disconnect()

    async def break_off(self) -> None:
        """Breaks every connection without asking a server: for a reader's own client. Never raises."""
        with suppress(RedisAway), _ONE_ERROR:
            if self.is_cluster:
                for node in self._client.get_nodes():
                    await node.disconnect()
            else:
                await self._client.connection_pool.disconnect(inuse_connections=True)

    async def drop_connections_to(self, host: str, port: int) -> None:
        """The same for one server of a Cluster that has become silent, master or not."""
        await self.drop_connections()
        with suppress(RedisAway), _ONE_ERROR:
            if node := self._client.get_node(host=host, port=port):
                await node.disconnect()

    async def aclose(self) -> None:
        """Closes its connections, and those that redis-py leaves open: to its sentinels, and to a Cluster that it was about to ask anew."""
        with _ONE_ERROR:
            await self._client.aclose()
            if self.is_cluster:
                await self._client.nodes_manager.aclose()
            manager = getattr(getattr(self._client, "connection_pool", None), "sentinel_manager", None)
            for sentinel in manager.sentinels if manager else ():
                await sentinel.aclose()

    async def _answer(self, call: Callable[[], Awaitable[Any]]) -> Any:
        with _ONE_ERROR:
            if self.is_cluster:
                await self._initialize()
            try:
                return await call()
            except _CLOSED_MEANWHILE:
                if not self._repeats:
                    raise
            return await call()

    async def _initialize(self) -> None:
        """Of a Cluster's client. redis-py asks the first of its masters for all commands, and for ever the same one, be it dead."""
        for attempt in range(_MASTERS_ASKED_MAX):
            try:
                await self._client.initialize()
            except _FAILURES:
                if attempt + 1 == _MASTERS_ASKED_MAX or not (masters := self._client.get_primaries()):
                    raise
                self._client.nodes_manager.move_node_to_end_of_cached_nodes(masters[0].name)
            else:
                return


def _refusal(error: BaseException) -> str:
    """The server's own code of an error: never its text, which may repeat what was sent. Empty where no server wrote it."""
    if isinstance(error, RedisError) and error.status_code:
        code = error.status_code
    elif isinstance(error, ResponseError):
        code = str(error).partition(" ")[0]
    else:
        return ""
    return code if code.isascii() and code.isalpha() and code.isupper() else type(error).__name__
