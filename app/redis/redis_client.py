"""Redis as this product calls it: redis-py's commands with the types that our connections give, and one error.

Strings are decoded, the protocol is RESP3, answers are the modern ones. What a call raises that is no answer of the server
becomes `RedisAway` here and nowhere else.
"""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

from redis.exceptions import RedisClusterException, RedisError, ResponseError

from app.domain.errors import RedisAway

_ANSWERS: Final = ("NOSCRIPT", "NOGROUP", "BUSYGROUP")
"""Errors with which a server that works answers: the caller knows what to do."""
_FAILURES: Final = (RedisError, RedisClusterException, OSError, AttributeError, RuntimeError)
"""The last two come from connections that redis-py's Cluster client has closed while a call was using them."""


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

    def xlen(self, name: str) -> None:
        self._pipeline.xlen(name)

    def xinfo_groups(self, name: str) -> None:
        self._pipeline.xinfo_groups(name)

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

    async def ping(self) -> None:
        with _ONE_ERROR:
            await self._pubsub.ping()

    async def get_message(self, *, timeout: float) -> Mapping[str, Any] | None:
        with _ONE_ERROR:
            return await self._pubsub.get_message(timeout=timeout)


class RedisClient:
    """One client of redis-py's, for one server, for Sentinel or for a Cluster. Every method raises RedisAway."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def evalsha(self, sha: str, numkeys: int, *keys_and_args: str | bytes | int) -> Any:
        with _ONE_ERROR:
            return await self._client.evalsha(sha, numkeys, *keys_and_args)

    async def eval(self, script: str, numkeys: int, *keys_and_args: str | bytes | int) -> Any:
        with _ONE_ERROR:
            return await self._client.eval(script, numkeys, *keys_and_args)

    async def xreadgroup(
        self, group: str, consumer: str, streams: Mapping[str, str], *, count: int, block: int | None
    ) -> Mapping[str, Sequence[tuple[str, Mapping[str, str]]]]:
        with _ONE_ERROR:
            return await self._client.xreadgroup(group, consumer, streams, count=count, block=block)

    async def xgroup_create(self, name: str, group: str, first: str, *, mkstream: bool) -> None:
        with _ONE_ERROR:
            await self._client.xgroup_create(name, group, first, mkstream=mkstream)

    async def xadd(self, name: str, fields: Mapping[str, str], *, maxlen: int, approximate: bool) -> str:
        with _ONE_ERROR:
            return await self._client.xadd(name, fields, maxlen=maxlen, approximate=approximate)

    async def xdel(self, name: str, *ids: str) -> int:
        with _ONE_ERROR:
            return await self._client.xdel(name, *ids)

    async def xrange(self, name: str, *, min: str, max: str, count: int) -> Sequence[tuple[str, Mapping[str, str]]]:
        with _ONE_ERROR:
            return await self._client.xrange(name, min=min, max=max, count=count)

    async def execute_command(self, *args: str | int, NEVER_DECODE: bool) -> Any:  # noqa: N803 - redis-py's name
        with _ONE_ERROR:
            return await self._client.execute_command(*args, NEVER_DECODE=NEVER_DECODE)

    async def time(self) -> tuple[int, int]:
        with _ONE_ERROR:
            return await self._client.time()

    async def set_new(self, name: str, value: str, *, px: int) -> bool:
        """Whether it was set: not where the key is there already."""
        with _ONE_ERROR:
            return bool(await self._client.set(name, value, px=px, nx=True))

    async def delete(self, *names: str) -> int:
        with _ONE_ERROR:
            return await self._client.delete(*names)

    async def zrem(self, name: str, *values: str) -> int:
        with _ONE_ERROR:
            return await self._client.zrem(name, *values)

    async def set(self, name: str, value: str, *, px: int) -> None:
        with _ONE_ERROR:
            await self._client.set(name, value, px=px)

    async def publish(self, channel: str, message: str) -> int:
        with _ONE_ERROR:
            return await self._client.publish(channel, message)

    async def ping(self) -> object:
        with _ONE_ERROR:
            return await self._client.ping()

    def pubsub(self) -> PubSub:
        with _ONE_ERROR:
            return PubSub(self._client.pubsub())

    def pipeline(self, *, transaction: bool) -> Pipeline:
        with _ONE_ERROR:
            return Pipeline(self._client.pipeline(transaction=transaction))

    async def aclose(self) -> None:
        """Closes its connections, and those to its sentinels, which redis-py leaves open."""
        with _ONE_ERROR:
            await self._client.aclose()
            manager = getattr(getattr(self._client, "connection_pool", None), "sentinel_manager", None)
            for sentinel in manager.sentinels if manager else ():
                await sentinel.aclose()


def _refusal(error: BaseException) -> str:
    """The server's own code of an error: never its text, which may repeat what was sent. Empty where no server wrote it."""
    if isinstance(error, RedisError) and error.status_code:
        code = error.status_code
    elif isinstance(error, ResponseError):
        code = str(error).partition(" ")[0]
    else:
        return ""
    return code if code.isascii() and code.isalpha() and code.isupper() else type(error).__name__
