"""Lua scripts, run by their hash: sent whole only when Redis does not know them (a restart, SCRIPT FLUSH)."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from redis.exceptions import NoScriptError

from app.redis.redis_client import RedisClient

_FOLDER: Final = Path(__file__).parent / "lua"

Argument = str | bytes | int


class Script:
    """One file of `scripts/`. Each is idempotent, or says why it need not be: a lost reply is answered by running it again."""

    def __init__(self, name: str) -> None:
        self._text = (_FOLDER / f"{name}.lua").read_text(encoding="utf-8")
        self.hash = hashlib.sha1(self._text.encode(), usedforsecurity=False).hexdigest()

    async def run(self, client: RedisClient, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """What the script returns, strings decoded."""
        try:
            return await client.evalsha(self.hash, len(keys), *keys, *arguments)
        except NoScriptError:
            return await client.eval(self._text, len(keys), *keys, *arguments)


ENQUEUE: Final = Script("enqueue")
PUBLISH: Final = Script("publish")
PUBLISH_END: Final = Script("publish_end")
READ_EVENTS: Final = Script("read_events")
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
