"""An adapter puts an application on an insurer's wire, and reads the answers into domain values.

Time-outs, retries, limits, the circuit, the deadline and sizes are not its business: they stand around it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from app.config.insurers_file import PollInterval, secret_option
from app.domain.application import Application, VehicleCategory
from app.domain.errors import InsurerProtocol, WrongSetting
from app.domain.insurer_call import CallbackRule, InsurerCall
from app.domain.offers.links import https_url
from app.domain.offers.offer_bounds import plain_code
from app.domain.quote import Answer
from app.runtime.clock import Clock
from workers.adapters.transport.insurer_http import InsurerHttp

__all__ = ["Adapter", "Created", "https_url", "plain_code"]

_ID_LENGTH_MAX: Final = 256


@dataclass(frozen=True, slots=True)
class Created:
    """The insurer has taken the application in, and answers later under this id of its own, kept as it came.

    Raises:
        InsurerProtocol: it cannot be an id.
    """

    application_id: str

    def __post_init__(self) -> None:
        id_: Any = self.application_id  # adapters of other houses may not check their types
        if not (isinstance(id_, str) and 1 <= len(id_) <= _ID_LENGTH_MAX and id_.isprintable()):
            raise InsurerProtocol("the application's id: not one")


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """The abilities of an insurer's API, as far as its caller has to know."""

    categories: frozenset[VehicleCategory] = frozenset(VehicleCategory)
    """The insured categories: an application of another one is declined at once, and costs no call."""
    is_idempotent: bool = True
    """Whether a create may be repeated under its key. If not, a create with a lost answer is given up."""
    polls: bool = True
    """Whether `poll` can be asked. If not, the answer comes with the create, or by a call of the insurer's."""
    calls_back: bool = False
    """Whether the insurer calls `Line.callback_url`; what it calls with is read by `called`."""
    callback_rule: CallbackRule = field(default_factory=CallbackRule)
    """The parts of its calls that are kept. The secret that it signs with is `Line.secret("callback_secret")`."""
    poll_interval: PollInterval | None = None
    """How often the API wants to be polled, where insurers.toml does not say."""


def _no_callbacks(_key: str) -> str:
    raise WrongSetting("there is no address to call back here")


@dataclass(frozen=True, slots=True, kw_only=True)
class InsurerAccess:
    """The tools of an adapter: calls to one insurer, and the options of insurers.toml for this adapter alone."""

    http: InsurerHttp
    clock: Clock
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    """The table `options` of insurers.toml."""
    callback_url: Callable[[str], str] = _no_callbacks
    """The address at which the insurer may call about the application with this idempotency key."""

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
        """The secret of that name, as `app.config.insurers_file.secret_option` has it.

        Raises:
            WrongSetting: neither option is there, or the variable is not set.
        """
        return secret_option(self.options, name)


class Adapter(ABC):
    """One insurer's API. Every method raises the `InsurerError` that says what to do."""

    abilities: ClassVar[Abilities] = Abilities()

    def __init__(self, line: InsurerAccess) -> None:
        self.line = line

    @abstractmethod
    async def create(self, application: Application, idempotency_key: str) -> Created | Answer:
        """Hands the application in. The same key always means the same application, also when another worker repeats the call."""

    async def poll(self, application_id: str) -> Answer | None:
        """The answer, None while the insurer is still at it."""
        raise NotImplementedError(application_id)

    def called(self, call: InsurerCall) -> Answer | None:
        """The answer in what the insurer called with, None if it is still at it.

        Only its own signature is trusted, and only where what is signed names the application: `call.is_about`.
        """
        raise NotImplementedError(call)
