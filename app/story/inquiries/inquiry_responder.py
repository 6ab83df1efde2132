"""Answers inquiries for one process, from what it has in memory."""

from collections.abc import Callable
from typing import Final
from uuid import UUID

import structlog

from app.domain.errors import RedisAway
from app.redis import keys
from app.redis.lua_scripts import REPLY
from app.redis.notifier import Notifier
from app.resources import Resources
from app.runtime.supervision import IsolatedTasks
from app.story.inquiries.inquiry import (
    AGE_S_MAX,
    REPLIES_KEPT_MS,
    REPLIES_MAX,
    Inquiry,
    ProcessReply,
    decode_inquiry,
    encode_reply,
)

log: Final = structlog.get_logger(__name__)

ANSWERS_PER_S_MAX: Final = 20
"""More questions in one second are left: each costs a look through what is in memory."""


class InquiryResponder:
    """The responder of one process. `known` returns what it knows of a request, without waiting."""

    def __init__(self, resources: Resources, known: Callable[[UUID], ProcessReply]) -> None:
        self._resources = resources
        self._known = known
        self._tasks = IsolatedTasks("inquiries")
        self._second = 0
        self._answered = 0

    def listen(self, notifier: Notifier) -> None:
        """Call it before the notifier runs."""
        notifier.listen([keys.inquiries(shard) for shard in range(self._resources.jobs.shards)], self._on_message)

    def _on_message(self, message: str) -> None:
        inquiry = decode_inquiry(message, self._resources.authenticator)
        now_s = self._resources.clock.unix_s()
        if abs(now_s - inquiry.at_ms / 1000) > AGE_S_MAX or not self._admits(int(now_s)):
            return
        self._tasks.start(self._reply(inquiry))

    def _admits(self, second: int) -> bool:
        if second != self._second:
            self._second, self._answered = second, 0
        self._answered += 1
        return self._answered <= ANSWERS_PER_S_MAX

    async def _reply(self, inquiry: Inquiry) -> None:
        resources = self._resources
        reply = encode_reply(self._known(inquiry.request_id), inquiry, resources.authenticator)
        name = keys.replies(keys.shard_of(inquiry.request_id, resources.jobs.shards), inquiry.id)
        try:
            await REPLY.run(resources.redis, [name], [REPLIES_MAX, REPLIES_KEPT_MS, reply])
        except RedisAway as error:
            log.debug("inquiry.unanswered", error=str(error))
