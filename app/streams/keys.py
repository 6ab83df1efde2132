"""Names of keys. Everything that one script touches has one tag, so that a Cluster keeps it in one slot."""

import zlib
from uuid import UUID

GROUP = "workers"
RETURNED = "~returned"
"""A consumer without a beat: what is claimed for it is taken by the next reaping."""


def shard_of(request_id: UUID, shards: int) -> int:
    """Which shard a request lives in, for its whole life."""
    return zlib.crc32(request_id.bytes) % shards


def jobs(shard: int, insurer_id: str) -> str:
    """The stream of one insurer's jobs. Never trimmed."""
    return f"{{osago-{shard:02}}}:jobs:{insurer_id}"


def request(shard: int, request_id: UUID) -> str:
    """A hash: `job:<insurer>` the entry in the stream, `done:<insurer>`, `at:<insurer>` the insurer's own id, `end`."""
    return f"{{osago-{shard:02}}}:request:{request_id}"


def events(shard: int, request_id: UUID) -> str:
    """The stream of one request's events."""
    return f"{{osago-{shard:02}}}:events:{request_id}"


def heartbeats(shard: int) -> str:
    """A sorted set: consumer → its last beat, milliseconds of Redis's time."""
    return f"{{osago-{shard:02}}}:heartbeats"


def epoch(shard: int) -> str:
    """A random string; when it changes, Redis has lost something."""
    return f"{{osago-{shard:02}}}:epoch"


def dead_letters(shard: int) -> str:
    """The stream of jobs that were given up."""
    return f"{{osago-{shard:02}}}:dead-letters"


def bell(shard: int) -> str:
    """The channel that names requests with new events, separated by spaces."""
    return f"{{osago-{shard:02}}}:bell"


def ended(shard: int) -> str:
    """The channel that names requests that have ended."""
    return f"{{osago-{shard:02}}}:ended"


def circuit(insurer_id: str) -> str:
    """An open circuit: until when, microseconds of Redis's time, and how often it had opened in a row before."""
    return f"{{osago-00}}:circuit:{insurer_id}"


def trial(insurer_id: str) -> str:
    """Whose trial call decides whether a circuit closes."""
    return f"{{osago-00}}:trial:{insurer_id}"


def pause(insurer_id: str, step: str) -> str:
    """Until when an insurer wants not to be called, microseconds of Redis's time."""
    return f"{{osago-00}}:pause:{insurer_id}:{step}"


def limit(insurer_id: str, step: str) -> str:
    """When the next slot of a rate limit is free, microseconds of Redis's time."""
    return f"{{osago-00}}:limit:{insurer_id}:{step}"


def insurers() -> str:
    """The channel that names an insurer whose circuit or pause has changed."""
    return "{osago-00}:insurers"
