"""Magic values: an application with a vehicle model such as `sandbox:decline` has the outcome in that name.

`sandbox:hang@sever,decline@volga` means two insurers, and leaves the others as they are. It needs neither the control
API nor luck: sending applications is enough to try everything that an insurer may do.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from msgspec.structs import replace as with_changes

from app.domain.application import Application
from app.domain.money import roubles
from app.domain.offers.extras import Extra, mandatory_price
from app.domain.tariff.formula import product
from sandbox.insurers.model.outcome import Refusal, insured_already, unconfirmed, wanting_documents
from sandbox.insurers.model.replies import Offered, as_sold
from sandbox.insurers.script.behaviours import (
    Behaviour,
    BrokenConnection,
    Garbage,
    Hang,
    HugeBody,
    Processing,
    SlowBody,
    Status,
)

PREFIX: Final = "sandbox:"
_UNLAWFUL: Final = Decimal(10)
_MOVED_BY_DAYS: Final = 3
_EXTRAS: Final = (
    Extra(code="ACCIDENT", name="Защита водителя и пассажиров", price=Decimal("990.00"), is_mandatory=True),
    Extra(code="TOWING", name="Эвакуатор", price=Decimal("450.00")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Magic:
    """What is forced: a refusal, a behaviour to the calls of one step, or another offer. The answer takes no time."""

    about: str
    refusal: Refusal | None = None
    always: Behaviour | None = None
    change: Callable[[Offered, Application], Offered] | None = None
    refuse: Callable[[Application], Refusal] | None = None

    @property
    def calls_back(self) -> bool:
        """Whether an insurer that calls back does so: not where its creates or its polls fail for ever."""
        return self.always is None or self.always.times != "forever"


def _expired(offer: Offered, _: Application) -> Offered:
    return replace(offer, valid_until="2020-01-01T00:00:00+03:00")


def _unlawful(offer: Offered, _: Application) -> Offered:
    if offer.coefficients is None:
        return offer
    factors = with_changes(offer.coefficients, base_rate=offer.coefficients.base_rate * _UNLAWFUL)
    return replace(offer, premium=str(roubles(product(factors)).amount), total=None, coefficients=factors)


def _with_extras(offer: Offered, _: Application) -> Offered:
    total = Decimal(offer.premium) + mandatory_price(_EXTRAS)
    return replace(offer, extras=tuple(as_sold(extra) for extra in _EXTRAS), total=str(total))


def _moved(offer: Offered, application: Application) -> Offered:
    return replace(offer, starts_on=(application.starts_on + timedelta(days=_MOVED_BY_DAYS)).isoformat())


MAGIC: Final[Mapping[str, Magic]] = MappingProxyType(
    {
        "offer": Magic(about="an offer, at once"),
        "decline": Magic(about="a refusal", refusal=Refusal("SANDBOX_DECLINED", "Отказ по просьбе.")),
        "expired": Magic(about="an offer that held until 2020", change=_expired),
        "unlawful": Magic(about="an offer at ten times the base rate, far outside the corridor", change=_unlawful),
        "extras": Magic(about="an offer with a mandatory extra and one that is not", change=_with_extras),
        "moved": Magic(about="an offer that starts three days later than asked", change=_moved),
        "unconfirmed": Magic(about="a refusal: `DATA_NOT_CONFIRMED`, with the place", refuse=unconfirmed),
        "documents": Magic(about="a refusal: `DOCUMENTS_WANTED`, with the place", refuse=wanting_documents),
        "insured": Magic(about="a refusal: `POLICY_EXISTS`, with the place", refuse=insured_already),
        "busy": Magic(
            about="the first two creates: 429 with `Retry-After: 1`",
            always=Status(status=429, retry_after=1, step="create", times=2),
        ),
        "flaky": Magic(about="the first create and the first poll: 503", always=Status(status=503, step="any")),
        "unavailable": Magic(about="every create: 503", always=Status(status=503, step="create", times="forever")),
        "credentials": Magic(about="every create: 401", always=Status(status=401, step="create", times="forever")),
        "rejected": Magic(about="every create: 400", always=Status(status=400, step="create", times="forever")),
        "hang": Magic(about="no create is ever answered", always=Hang(step="create", times="forever")),
        "broken": Magic(
            about="every create: the connection breaks", always=BrokenConnection(step="create", times="forever")
        ),
        "garbage": Magic(about="every create: a page for people", always=Garbage(step="create", times="forever")),
        "huge": Magic(about="every create: 16 MiB", always=HugeBody(step="create", times="forever")),
        "drip": Magic(
            about="every create: the halves of its body come 3 s apart",
            always=SlowBody(seconds=3, drips=2, step="create", times="forever"),
        ),
        "silent": Magic(about="still at it, for ever", always=Processing(times="forever")),
        "down": Magic(about="every call: 503; no insurer survives it", always=Status(status=503, times="forever")),
    }
)


def magic_of(application: Application, insurer_id: str) -> Magic | None:
    """What this application asks of this insurer."""
    model = application.vehicle.model
    if not model.startswith(PREFIX):
        return None
    for value in model.removeprefix(PREFIX).split(","):
        name, _, insurer = value.strip().partition("@")
        if insurer in ("", insurer_id):
            return MAGIC.get(name)
    return None


def applies(always: Behaviour | None, step: str, count: int) -> Behaviour | None:
    """The behaviour, to the `count`-th call of this step."""
    if always is None or always.step not in (step, "any"):
        return None
    return always if always.times == "forever" or count <= always.times else None
