"""The risk: the facts of a contract that the tariff depends on, with nothing in it that names a person."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from app.domain.application import VehicleCategory


class OwnerKind(StrEnum):
    """The kind of the vehicle's owner, not of the policyholder. A sole trader is a person."""

    PERSON = "PERSON"
    ORGANISATION = "ORGANISATION"


class VehicleUse(StrEnum):
    """Uses of a vehicle that have a corridor of their own."""

    ANY = "ANY"
    TAXI = "TAXI"
    REGULAR_ROUTES = "REGULAR_ROUTES"


@dataclass(frozen=True, slots=True)
class RatedDriver:
    """Full years of age and of experience on the first insured day."""

    age: int
    experience: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """A contract as the tariff sees it. `power` is in horsepower, `months` are those of use within the year."""

    category: VehicleCategory
    owner: OwnerKind
    use: VehicleUse
    power: Decimal
    max_mass_kg: int | None
    seats: int | None
    has_trailer: bool
    kladr: str
    """The code of the owner's address."""
    is_abroad: bool
    """Registered in another country."""
    is_in_transit: bool
    """On its way to the place of its registration."""
    months: int
    drivers: tuple[RatedDriver, ...] | None
    """None: anyone may drive."""
