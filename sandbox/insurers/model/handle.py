"""The handle of the sandbox: scripts what its insurers do, and reports the calls that they received.

`app.state.sandbox` is one; the control API offers the same over HTTP. It belongs to one event loop and its thread.
"""

import asyncio
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from app.domain.intake.moscow_calendar import moscow_day
from app.domain.tariff.edition import Edition, Editions
from sandbox.insurers.model.application_store import Applications
from sandbox.insurers.model.call_log import InsurerRecord, Keys
from sandbox.insurers.model.catalogue import INSURERS
from sandbox.insurers.model.http_call import Call, hang_up
from sandbox.insurers.model.insurer_clock import Clock
from sandbox.insurers.model.views import InsurerSeen, KeySeen, Settings, SettingsChange
from sandbox.insurers.script.behaviours import Behaviour
from sandbox.insurers.script.script import Script

TOKENS_MAX: Final = 1000
APPLICATIONS_MAX: Final = 100_000
"""Kept at once; as many idempotency keys are remembered. Some 2 KB each."""


class UnknownInsurer(LookupError):
    """The sandbox has no insurer of this id."""


class Tokens:
    """The OAuth2 tokens that an insurer has given out; of those that hold, at most `TOKENS_MAX`."""

    def __init__(self, ttl_s: Callable[[], float], clock: Clock) -> None:
        self._ttl_s = ttl_s
        self._clock = clock
        self._until: dict[str, float] = {}

    def issue(self, token: str) -> int:
        """Whole seconds of its life, as callers are promised."""
        if len(self._until) >= TOKENS_MAX:
            del self._until[next(iter(self._until))]
        self._until[token] = self._clock.monotonic() + self._ttl_s()
        return int(self._ttl_s())

    def holds(self, token: str) -> bool:
        return self._until.get(token, 0.0) > self._clock.monotonic()

    def expire(self) -> None:
        """All at once, before their time."""
        self._until.clear()


class Desk:
    """Where one insurer is met: its script, and what it saw."""

    def __init__(self, insurer_id: str, tokens: Tokens) -> None:
        self.profile = INSURERS[insurer_id]
        self.script = Script()
        self.record = InsurerRecord(insurer_id)
        self.tokens = tokens


class Sandbox:
    """Everything that the sandbox remembers. What is public and documented is for tests and the control API."""

    def __init__(
        self, settings: Settings, *, applications_max: int = APPLICATIONS_MAX, clock: Clock, editions: Editions
    ) -> None:
        self.clock = clock
        self._editions = editions
        self.lingering: set[Call] = set()
        self.calling_back: set[asyncio.Task[None]] = set()
        self._start = settings
        self._applications_max = applications_max
        self._forget()

    def _forget(self) -> None:
        self.settings = self._start
        self.desks: Mapping[str, Desk] = MappingProxyType({id_: Desk(id_, self._tokens()) for id_ in INSURERS})
        self.applications = Applications(self._applications_max)
        self.keys = Keys(self._applications_max)

    def edition(self) -> Edition | None:
        """The edition of the tariff that is in force today; None before the first that is known."""
        return self._editions.on(moscow_day(self.clock.now()))

    def _tokens(self) -> Tokens:
        return Tokens(lambda: self.settings.token_ttl_s, self.clock)

    def script(self, insurer_id: str, *behaviours: Behaviour) -> None:
        """Appends to what the insurer does next: `script("sever", Status(status=503, times=2), Hang(step="poll"))`.

        A call gets the first behaviour that is meant for its step and idempotency key, and uses it up. A call that
        gets none is treated as usual; `calm` leaves no chance to that.

        Raises:
            UnknownInsurer: there is none of this id. All methods below that take one raise it.
            ScriptTooLong: too many behaviours are waiting for their calls; none was appended.
        """
        self._desk(insurer_id).script.append(*behaviours)

    def scripted(self, insurer_id: str) -> list[Behaviour]:
        """What is left of the script, in order; `times` are those that are left."""
        return list(self._desk(insurer_id).script)

    def rewrite(self, insurer_id: str, *behaviours: Behaviour) -> None:
        """Puts these in place of what is left; none: the insurer is back to its mode, or to normal."""
        self._desk(insurer_id).script.replace(*behaviours)

    def set_mode(self, insurer_id: str, behaviour: Behaviour | None) -> None:
        """How the insurer treats every call without a step in its script, without regard to `times`; None: as usual."""
        mode = behaviour and behaviour.model_copy(update={"times": "forever"})
        self._desk(insurer_id).script.mode = mode

    def mode(self, insurer_id: str) -> Behaviour | None:
        return self._desk(insurer_id).script.mode

    def seen(self, key: str) -> KeySeen | None:
        """What came under this idempotency key; None if nothing did, or so long ago that it is forgotten."""
        record = self.keys.get(key)
        return record and record.view()

    def seen_beginning_with(self, prefix: str, most: int = 1000) -> list[KeySeen]:
        """The same for all keys that begin so, e.g. with a request id; the oldest first."""
        return [record.view() for record in self.keys.beginning_with(prefix, most)]

    def seen_by(self, insurer_id: str) -> InsurerSeen:
        """What came to this insurer."""
        return self._desk(insurer_id).record.view()

    def expire_tokens(self, insurer_id: str) -> None:
        """Expires every OAuth2 token of this insurer at once, before its time."""
        self._desk(insurer_id).tokens.expire()

    def change(self, change: SettingsChange) -> Settings:
        """Seed, time scale, calm: for applications that come from now on."""
        self.settings = self.settings.model_copy(update=change.model_dump(exclude_none=True))
        return self.settings

    def reset(self) -> None:
        """As if just started: applications, scripts, modes, statistics, settings; calls that hang are broken off."""
        self.close()
        self._forget()

    def close(self) -> None:
        """Breaks off the calls that hang, and those that are still to be made, so that a server can stop."""
        hang_up(self.lingering)
        for task in list(self.calling_back):
            task.cancel()

    def _desk(self, insurer_id: str) -> Desk:
        desk = self.desks.get(insurer_id)
        if desk is None:
            raise UnknownInsurer(insurer_id)
        return desk
