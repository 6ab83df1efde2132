"""The coefficients of a premium: what an offer states, and what the tariff computes."""

from decimal import Decimal

import msgspec


class DriverCoefficients(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """The factors of one listed driver; those of the premium are the largest of each, taken separately."""

    bonus_malus: Decimal
    age_experience: Decimal


class Coefficients(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """The factors of a premium, described here alone.

    JSON in PostgreSQL, Redis, the feed and in `rest-poll`'s answers, the schema's type and the expressions of events are made of
    these fields.
    """

    base_rate: Decimal
    territory: Decimal
    bonus_malus: Decimal
    age_experience: Decimal
    driver_restriction: Decimal
    power: Decimal
    season: Decimal
    trailer: Decimal = Decimal(1)
    drivers: tuple[DriverCoefficients, ...] | None = None
    """The factors of each listed driver, in the order of the application, where the insurer reports them."""
