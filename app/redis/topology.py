"""Clients for one Redis, for Sentinel and for a Cluster, with every wait limited.

There are four kinds: a shared client for commands and scripts, all of them idempotent and therefore retried once; a
blocking one for a lane's reader, on a connection of its own, never retried: a read with a lost reply may have
been delivered; a brief one for what is repeated in a moment anyway, and must not wait for a server that is frozen; and a
listening one for the notifier.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster, Sentinel
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff, NoBackoff
from redis.maint_notifications import MaintNotificationsConfig

from app.domain.errors import WrongSetting
from app.redis.redis_client import RedisClient

CONNECT_S_MAX: Final = 1.0
REPLY_S_MAX: Final = 2.0
BRIEF_S_MAX: Final = 1.0
"""For what is done again in a moment anyway."""
BLOCK_MS: Final = 1000
BLOCKED_REPLY_S_MAX: Final = 4.0
_CONNECTIONS_MAX: Final = 64
_DEFAULT_PORT: Final = 6379
_SENTINEL_PORT: Final = 26379


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """The address of Redis. `hosts` has several for Sentinel and Cluster; `name` is Sentinel's name of the master."""

    url: str
    scheme: str
    hosts: tuple[tuple[str, int], ...]
    name: str
    options: dict[str, Any]

    @property
    def is_cluster(self) -> bool:
        return self.scheme == "redis+cluster"

    @property
    def is_sentinel(self) -> bool:
        return self.scheme == "redis+sentinel"

    @property
    def place(self) -> str:
        """Hosts and ports, or the path of the socket, without user and password."""
        if self.hosts:
            return ",".join(f"{host}:{port}" for host, port in self.hosts)
        parts = urlsplit(self.url)
        if self.scheme == "unix":
            return parts.path
        return f"{parts.hostname or 'localhost'}:{parts.port or _DEFAULT_PORT}"


def parse_address(url: str) -> RedisAddress:
    """Reads OSAGO_REDIS_URL.

    Raises:
        WrongSetting: it has none of the documented forms; the text does not repeat it, for it may hold a password.
    """
    parts = urlsplit(url)
    wrong = WrongSetting(
        "OSAGO_REDIS_URL: expected redis://host:6379/0, rediss://…, unix:///path, "
        "redis+sentinel://h1,h2,h3/name/0 or redis+cluster://h1,h2,h3"
    )
    if parts.scheme in {"redis", "rediss", "unix"}:
        try:
            _ = parts.port
        except ValueError:
            raise wrong from None
        return RedisAddress(url, parts.scheme, (), "", {})
    if parts.scheme not in {"redis+sentinel", "redis+cluster"}:
        raise wrong
    credentials, _, places = parts.netloc.rpartition("@")
    port = _SENTINEL_PORT if parts.scheme == "redis+sentinel" else _DEFAULT_PORT
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    if credentials:
        username, _, password = credentials.partition(":")
        options |= {"username": unquote(username) or None, "password": unquote(password) or None}
    name, _, database = parts.path.strip("/").partition("/")
    try:
        hosts = tuple(_host(place, port) for place in places.split(","))
        options |= {"db": int(database)} if database else {}
    except ValueError:
        raise wrong from None
    if not all(host for host, _ in hosts) or (parts.scheme == "redis+sentinel") != bool(name):
        raise wrong
    return RedisAddress(url, parts.scheme, hosts, name, options)


def connect(address: RedisAddress) -> RedisClient:
    """The shared client; it opens its connections when they are needed."""
    options = _options(
        address, retry=Retry(ConstantBackoff(0.05), 1), reply_s_max=REPLY_S_MAX, connections=_CONNECTIONS_MAX
    )
    return RedisClient(_redis_client(address, options), repeats=True, listener=partial(_connect_listening, address))


def connect_blocking(address: RedisAddress) -> RedisClient:
    """A reader's own client: no retry, and time for BLOCK to run out."""
    options = _options(address, retry=Retry(NoBackoff(), 0), reply_s_max=BLOCKED_REPLY_S_MAX, connections=2)
    return RedisClient(_redis_client(address, options))


def connect_brief(address: RedisAddress) -> RedisClient:
    """For beats: no retry, and no patience with a server that is frozen."""
    options = _options(address, retry=Retry(NoBackoff(), 0), reply_s_max=BRIEF_S_MAX, connections=_CONNECTIONS_MAX)
    return RedisClient(_redis_client(address, options))


def _connect_listening(address: RedisAddress, node: tuple[str, int] | None) -> RedisClient:
    """Of a Cluster to one of its nodes. A connection of its own: an idle one of a pool may lead to a frozen server."""
    options = _options(address, retry=Retry(NoBackoff(), 0), reply_s_max=BRIEF_S_MAX, connections=2)
    if node is not None:
        return RedisClient(Redis(host=node[0], port=node[1], **options))
    return RedisClient(_redis_client(address, options))


def _options(address: RedisAddress, *, retry: Retry, reply_s_max: float, connections: int) -> dict[str, Any]:
    return {
        "decode_responses": True,
        # Bytes that are no text are no valid event either: replaced characters fail its MAC, an exception would fail the whole reply.
        "encoding_errors": "replace",
        "protocol": 3,
        "legacy_responses": False,
        "socket_timeout": reply_s_max,
        "socket_connect_timeout": CONNECT_S_MAX,
        "max_connections": connections,
        "retry": retry,
        # Automatic maintenance notifications switch off the check for replies left over in a connection.
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
        **address.options,
    }


def _redis_client(address: RedisAddress, options: dict[str, Any]) -> object:
    match address.scheme:
        case "redis+cluster":
            nodes = [ClusterNode(host, port) for host, port in address.hosts]
            # Counting MOVED to a new start would close connections that other calls are using. Slots that no server has must
            # not keep the shards in the others from working.
            return RedisCluster(startup_nodes=nodes, reinitialize_steps=0, require_full_coverage=False, **options)
        case "redis+sentinel":
            sentinel = Sentinel(
                address.hosts,
                sentinel_kwargs={"socket_timeout": REPLY_S_MAX, "socket_connect_timeout": CONNECT_S_MAX},
                **options,
            )
            return sentinel.master_for(address.name)  # pyright: ignore[reportUnknownMemberType]
        case _:
            # A command waits for a free connection: a burst is no error.
            pool = BlockingConnectionPool.from_url(  # pyright: ignore[reportUnknownMemberType]
                address.url, timeout=REPLY_S_MAX, **options
            )
            return Redis.from_pool(pool)


def _host(place: str, default_port: int) -> tuple[str, int]:
    host, colon, port = place.rpartition(":")
    return (host, int(port)) if colon else (place, default_port)
