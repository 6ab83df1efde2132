"""The parts of the console in one process."""

from dataclasses import dataclass

from app.api.auth.tokens import Tokens
from app.api.console.operator_access import OperatorAccess
from app.api.console.snapshot_feed import SnapshotFeed
from app.overview.snapshot_reader import SnapshotReader
from app.redis.dead_letters import DeadLetters
from app.resources import Resources


@dataclass(frozen=True, slots=True)
class Console:
    """The services of the console's routes, for the life of the process."""

    resources: Resources
    access: OperatorAccess
    feed: SnapshotFeed
    letters: DeadLetters


def make_console(resources: Resources, tokens: Tokens) -> Console:
    """The console over the resources of this process."""
    reader = SnapshotReader(resources)
    return Console(
        resources,
        OperatorAccess(tokens, resources.clock),
        SnapshotFeed(reader.read, resources.clock),
        DeadLetters(resources.redis, shards=resources.settings.shards),
    )
