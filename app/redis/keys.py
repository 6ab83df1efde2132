"""Names of keys. Everything that one script touches has one tag, so that a Cluster keeps it in one slot."""

import zlib
from uuid import UUID

from app.domain.ids import text_of

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
    return f"{{osago-{shard:02}}}:request:{text_of(request_id)}"


def events(shard: int, request_id: UUID) -> str:
    """The stream of one request's events."""
    return f"{{osago-{shard:02}}}:events:{text_of(request_id)}"


def heartbeats(shard: int) -> str:
    """A sorted set: consumer → its last beat, milliseconds of Redis's time."""
    return f"{{osago-{shard:02}}}:heartbeats"


def epoch(shard: int) -> str:
    """A random string; when it changes, Redis has lost something."""
    return f"{{osago-{shard:02}}}:epoch"


def dead_letters(shard: int) -> str:
    """The stream of jobs that were given up."""
    return f"{{osago-{shard:02}}}:dead-letters"


def feed(shard: int) -> str:
    """The stream of every event of the shard, for other services; docs/feed.md is its contract."""
    return f"{{osago-{shard:02}}}:quote-events"


def news(shard: int) -> str:
    """The channel that names requests with new events, separated by spaces."""
    return f"{{osago-{shard:02}}}:bell"


def accepted(shard: int) -> str:
    """The channel that names new requests, each as `<customer mark>:<request id>`, separated by spaces."""
    return f"{{osago-{shard:02}}}:accepted"


def probe(shard: int) -> str:
    """A key that processes write, and never read, to see whether Redis takes writes."""
    return f"{{osago-{shard:02}}}:probe"


def clock() -> str:
    """How far the time that all processes go by is ahead of Redis's own, milliseconds, behind the server that it was measured by."""
    return "{osago-00}:clock"


def ticket(shard: int, ticket_id: str) -> str:
    """There while a ticket that has been used would hold."""
    return f"{{osago-{shard:02}}}:ticket:{ticket_id}"


def customer_mark(tenant: str, customer_id: str) -> int:
    """16 bits: enough to skip most notifications, too few to identify the customer."""
    return zlib.crc32(f"{tenant}\0{customer_id}".encode()) & 0xFFFF


def ended(shard: int) -> str:
    """The channel that names requests that have ended."""
    return f"{{osago-{shard:02}}}:ended"


def rate(shard: int, kind: str, who: str) -> str:
    """A cell of a rate limit: when it will be full again, microseconds of Redis's time. `who` alone identifies no person."""
    return f"{{osago-{shard:02}}}:rate:{kind}:{who}"


def callbacks(shard: int, request_id: UUID, insurer_id: str) -> str:
    """The list of what one insurer has called us with about one request, sealed."""
    return f"{{osago-{shard:02}}}:callbacks:{request_id}:{insurer_id}:sealed"


def callback_bytes(shard: int, insurer_id: str) -> str:
    """How many bytes of one insurer's calls have been kept, within the time of one request."""
    return f"{{osago-{shard:02}}}:callback-bytes:{insurer_id}"


def called(shard: int) -> str:
    """The channel that names requests about which an insurer has called."""
    return f"{{osago-{shard:02}}}:called"


def circuit(insurer_id: str) -> str:
    """An open circuit: until when, microseconds of Redis's time, how often it had opened in a row before, and 1 where only
    an answered job closes it.
    """
    return f"{{osago-00}}:circuit:{insurer_id}"


def trial(insurer_id: str) -> str:
    """The job of the trial that decides whether a circuit closes."""
    return f"{{osago-00}}:trial:{insurer_id}"


def unanswered(insurer_id: str) -> str:
    """How many jobs in a row, over all workers, an insurer has left without an answer."""
    return f"{{osago-00}}:unanswered:{insurer_id}"


def pause(insurer_id: str, step: str) -> str:
    """Until when an insurer wants not to be called, microseconds of Redis's time."""
    return f"{{osago-00}}:pause:{insurer_id}:{step}"


def limit(insurer_id: str, step: str, version: int = 0) -> str:
    """When the next slot of a rate limit is free, microseconds of Redis's time. `version`: of the control that set it; the
    slots of the limit before, perhaps an hour ahead, do not count.
    """
    return f"{{osago-00}}:limit:{insurer_id}:{step}" + (f":{version}" if version else "")


def letter_retries() -> str:
    """A hash: dead letter → how far an operator's retry of it has come."""
    return "{osago-00}:letter-retries"


def report_moments() -> str:
    """A sorted set: process → its last report, milliseconds of Redis's time."""
    return "{osago-00}:report-moments"


def reports() -> str:
    """A hash: process → what it reports of itself, for operators."""
    return "{osago-00}:reports"


def documents_known() -> str:
    """A sorted set: trusted document → since when a process has had it, seconds of Redis's time."""
    return "{osago-00}:documents-known"


def documents_used() -> str:
    """A sorted set: trusted document → when it was asked for last."""
    return "{osago-00}:documents-used"


def documents_unknown() -> str:
    """A sorted set: id that no trusted document has → when it was asked for last."""
    return "{osago-00}:documents-unknown"


def insurers() -> str:
    """The channel that names an insurer after a change of its circuit or pause."""
    return "{osago-00}:insurers"


def controls() -> str:
    """The channel that announces a change of the operators' controls."""
    return "{osago-00}:controls"


def inquiries(shard: int) -> str:
    """The channel on which all processes are asked what they know of one request."""
    return f"{{osago-{shard:02}}}:inquiries"


def replies(shard: int, inquiry_id: str) -> str:
    """The list of what processes replied to one inquiry; there for seconds."""
    return f"{{osago-{shard:02}}}:replies:{inquiry_id}"
