"""The record of a connection that takes nothing any more: enough to find its owner, and nothing personal."""

import hashlib
from collections.abc import Iterable
from typing import Final
from uuid import UUID

import structlog

from app.config.key_derivation import derived_key
from app.domain.caller import Caller, Watcher
from app.observability import metrics
from app.observability.recent_activity import RECENT
from app.server.client_network import network_of
from app.story.frame_book import STALLED, FrameBook

REQUESTS_MAX: Final = 10
"""Ids in one line of the log; a service may watch a hundred requests over one socket."""
_DIGEST_BYTES: Final = 6

log: Final = structlog.get_logger(__name__)


class SlowConsumerLog:
    """Counts and logs stalled sockets. `salt` is a secret of all processes: addresses are not for logs.

    `frames` has them for the stories of their requests.
    """

    def __init__(self, frames: FrameBook, *, salt: str) -> None:
        self._frames = frames
        self._key = derived_key(salt.encode(), "addresses in logs")

    def report(
        self, address: str, caller: Caller, requests: Iterable[UUID | None], *, socket: str, operations: int
    ) -> None:
        """Records one. A watch token names its request, also when no operation is left: all was sent, and nothing taken."""
        if isinstance(caller, Watcher):
            requests, subject = [caller.request_id], "watch token"
        else:
            subject = caller.tenant
        watched = {id_ for id_ in requests if id_}
        for request_id in watched:
            self._frames.ended(request_id, socket, STALLED)
        ids = sorted(map(str, watched))[:REQUESTS_MAX]
        metrics.SLOW.inc()
        RECENT.stalled()
        peer = self.hidden_address(address)
        log.info("socket.stalled", operations=operations, requests=ids, subject=subject, peer=peer)

    def hidden_address(self, address: str) -> str:
        """The same for all addresses of one network, in every process."""
        network = network_of(address).encode()
        return hashlib.blake2b(network, key=self._key, digest_size=_DIGEST_BYTES).hexdigest()
