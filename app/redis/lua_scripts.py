"""Lua scripts, run by their hash: sent whole only when Redis does not know them (a restart, SCRIPT FLUSH)."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from redis.exceptions import NoScriptError

from app.redis.redis_client import RedisClient

_FOLDER: Final = Path(__file__).parent / "lua"

_SHARDED: Final = """
local PUBLISH = (redis.REDIS_VERSION_NUM or 0) >= 0x00070000 and 'SPUBLISH' or 'PUBLISH'
"""
"""Each node decides for itself: during an upgrade of its servers a Cluster has both."""

Argument = str | bytes | int


class Script:
    """One file of `lua/`. Each is idempotent, or says why it need not be: a lost reply is answered by running it again.

    In a Cluster it publishes by sharded pub/sub where the server has it: plain pub/sub sends each message to every node.
    """

    def __init__(self, name: str) -> None:
        text = (_FOLDER / f"{name}.lua").read_text(encoding="utf-8")
        self._texts = (text, _SHARDED + text.replace("call('PUBLISH'", "call(PUBLISH") if "PUBLISH" in text else text)
        self._hashes = tuple(hashlib.sha1(one.encode(), usedforsecurity=False).hexdigest() for one in self._texts)
        self.hash = self._hashes[0]

    async def run(self, client: RedisClient, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """The result of the script, strings decoded."""
        try:
            return await client.evalsha(self._hashes[client.is_cluster], len(keys), *keys, *arguments)
        except NoScriptError:
            return await client.eval(self._texts[client.is_cluster], len(keys), *keys, *arguments)


ENQUEUE: Final = Script("enqueue")
PUBLISH: Final = Script("publish")
PUBLISH_END: Final = Script("publish_end")
READ_EVENTS: Final = Script("read_events")
READ_FEED: Final = Script("read_feed")
PRESENCE: Final = Script("presence")
OWNED: Final = Script("owned")
REMEMBER: Final = Script("remember")
CALL_BACK: Final = Script("call_back")
HAND_BACK: Final = Script("hand_back")
GCRA: Final = Script("gcra")
RESERVE: Final = Script("reserve")
INSURER_STATES: Final = Script("insurer_states")
CLAIM_TRIAL: Final = Script("claim_trial")
COUNT_UNANSWERED: Final = Script("count_unanswered")
OPEN_CIRCUIT: Final = Script("open_circuit")
LEAVE_TRIAL: Final = Script("leave_trial")
PAUSE: Final = Script("pause")
NOTIFY: Final = Script("notify")
SERVER: Final = Script("server")
CLOCK: Final = Script("clock")
BACKLOG: Final = Script("backlog")
REPORT: Final = Script("report")
REPORTS: Final = Script("reports")
LOCATE: Final = Script("locate")
REPLY: Final = Script("reply")
READ_REPLIES: Final = Script("read_replies")
LETTER_RETRIES: Final = Script("letter_retries")
NOTE_DOCUMENTS: Final = Script("note_documents")
DOCUMENT_USES: Final = Script("document_uses")
