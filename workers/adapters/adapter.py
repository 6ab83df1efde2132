"""What an adapter is: it puts an application on an insurer's wire, and reads what comes back into domain values.

Time-outs, retries, limits, the circuit, the deadline and sizes are not its business: they stand around it.
"""

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final

from app.config.insurers_file import PollInterval
from app.domain.application import Application, VehicleCategory
from app.domain.errors import WrongSetting
from app.domain.insurer_call import Call
from app.domain.links import https_url
from app.domain.quote import Answer
from app.runtime.clock import Clock
from workers.adapters.insurer_http import InsurerHttp

__all__ = ["Adapter", "Created", "https_url", "plain_code"]

_PLAIN_CODE: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True)
class Created:
    """The insurer has taken the application in, and answers later under this id of its own."""

    application_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What an insurer's API can do, as far as whoever asks has to know."""

    categories: frozenset[VehicleCategory] = frozenset(VehicleCategory)
    """What is insured: anything else is declined at once, and costs no call."""
    is_idempotent: bool = True
    """Whether a create may be repeated under its key. If not, one whose answer was lost is given up."""
    polls: bool = True
    """Whether `poll` can be asked. If not, the answer comes with the create, or by a call of the insurer's."""
    calls_back: bool = False
    """Whether the insurer calls `Line.callback_url`; what it calls with is read by `called`."""
    poll_interval: PollInterval | None = None
    """How often the API wants to be polled, where insurers.toml does not say."""


def _no_callbacks(_key: str) -> str:
    raise WrongSetting("nobody can be called back here")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What an adapter has to work with: calls to one insurer, and what insurers.toml says to this adapter alone."""

    http: InsurerHttp
    clock: Clock
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    """The table `options` of insurers.toml."""
    callback_url: Callable[[str], str] = _no_callbacks
    """Where the insurer may call us about the application with this idempotency key."""

    def option(self, name: str, default: str | None = None) -> str:
        """An option of insurers.toml.

        Raises:
            WrongSetting: it is missing, and has no default.
        """
        found = self.options.get(name, default)
        if found is None:
            raise WrongSetting(f"options.{name}: this adapter needs it")
        return found

    def secret(self, name: str) -> str:
        """What the environment variable holds that the option `<name>_env` names; the option itself, if it is no secret.

        Raises:
            WrongSetting: neither option is there, or the variable is not set.
        """
        variable = self.options.get(f"{name}_env")
        if variable is None:
            return self.option(name)
        found = os.environ.get(variable)
        if not found:
            raise WrongSetting(f"{variable}: this adapter needs this variable (options.{name}_env)")
        return found


class Adapter(ABC):
    """One insurer's API. Every method raises the `InsurerError` that says what to do."""

    abilities: ClassVar[Abilities] = Abilities()

    def __init__(self, line: Line) -> None:
        self.line = line

    @abstractmethod
    async def create(self, application: Application, idempotency_key: str) -> Created | Answer:
        """Hands the application in. The same key always means the same application, whoever calls again."""

    async def poll(self, application_id: str) -> Answer | None:
        """The answer, None while the insurer is still at it."""
        raise NotImplementedError(application_id)

    def called(self, call: Call) -> Answer | None:
        """The answer in what the insurer called with, None if it is still at it; only its own signature is trusted."""
        raise NotImplementedError(call)


def plain_code(text: str | None) -> str | None:
    """An insurer's own code if it is one; free text may echo personal data and is dropped."""
    return text if text is not None and _PLAIN_CODE.fullmatch(text) else None
