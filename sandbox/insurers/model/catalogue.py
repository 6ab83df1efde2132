"""The twelve insurers of the sandbox. All are invented; what makes each one itself is here and nowhere else."""

from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from app.domain.application import VehicleCategory
from app.domain.offers.extras import Extra


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """The shares of the applications that meet each fault on their way, half of each on create, half on a poll."""

    unavailable: float = 0.02
    """503."""
    error: float = 0.01
    """500."""
    busy: float = 0.02
    """429, with `Retry-After: 1`."""
    hang: float = 0.01
    garbage: float = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One insurer: what it charges, how long it thinks and how often it refuses."""

    id: str
    name: str
    rate_position: Decimal
    """Where its base rate stands in the tariff's corridor, for every vehicle: 0 the floor, 1 the ceiling."""
    latency_median_s: float
    latency_spread: float
    """The standard deviation of the logarithm: the 95th percentile is the median × e^(1.645 × spread)."""
    refusals: float
    """Share of the applications that it declines."""
    faults: Faults
    dialect: str
    """The one that insurers.toml speaks to it; it understands all of them."""
    categories: frozenset[VehicleCategory]
    """What it insures, as far as anybody can price it."""
    extras: tuple[Extra, ...]
    """What it sells together with every policy."""


_USUAL: Final = Faults()
_OFTEN_DOWN: Final = Faults(unavailable=0.06, error=0.03)
_ACCIDENT: Final = Extra(
    code="ACCIDENT", name="Защита водителя и пассажиров", price=Decimal("990.00"), is_mandatory=True
)
_TOWING: Final = Extra(code="TOWING", name="Эвакуатор", price=Decimal("450.00"))
_ROAD: Final = frozenset({VehicleCategory.B, VehicleCategory.C, VehicleCategory.D})


def _profile(
    id_: str,
    name: str,
    *,
    rate: str,
    median_s: float,
    spread: float = 0.6,
    refusals: float = 0.1,
    faults: Faults = _USUAL,
    dialect: str = "rest-poll",
    categories: frozenset[VehicleCategory] = frozenset(VehicleCategory),
    extras: tuple[Extra, ...] = (),
) -> tuple[str, Profile]:
    return id_, Profile(
        id=id_,
        name=name,
        rate_position=Decimal(rate),
        latency_median_s=median_s,
        latency_spread=spread,
        refusals=refusals,
        faults=faults,
        dialect=dialect,
        categories=categories,
        extras=extras,
    )


# Together: median 8 s, 95th percentile 35 s, 10 % refusals.
INSURERS: Final = MappingProxyType(
    dict(
        (
            _profile("sever", "Северное страхование", rate="0.942", median_s=6.3, refusals=0.08),
            _profile(
                "volga", "Волжский оберег", rate="0.873", median_s=9.9, dialect="rest-sync", extras=(_ACCIDENT, _TOWING)
            ),
            _profile("ural", "Уральская подкова", rate="0.918", median_s=4.7, refusals=0.06, dialect="rest-oauth2"),
            _profile("baikal", "Байкальский берег", rate="0.967", median_s=11.5, dialect="soap"),
            _profile("altai", "Алтайский перевал", rate="0.850", median_s=26.0, spread=0.5, refusals=0.18),
            _profile("kama", "Камский плёс", rate="0.901", median_s=7.5, refusals=0.12, dialect="business-200"),
            _profile(
                "ladoga", "Ладожский маяк", rate="0.985", median_s=2.5, spread=0.5, refusals=0.04, categories=_ROAD
            ),
            _profile("onega", "Онежская гавань", rate="0.933", median_s=8.6, dialect="callback", extras=(_TOWING,)),
            _profile(
                "taiga", "Таёжный дозор", rate="0.888", median_s=13.7, spread=0.7, refusals=0.13, faults=_OFTEN_DOWN
            ),
            _profile("amur", "Амурская застава", rate="0.955", median_s=5.5, refusals=0.09),
            _profile("polyus", "Полярный фонарь", rate="1.000", median_s=3.7, spread=0.7, refusals=0.05),
            _profile("steppe", "Степной ветер", rate="0.862", median_s=18.0, spread=0.65, refusals=0.15),
        )
    )
)
