"""Whether a premium is one that the corridor of base rates allows. One that is not is shown all the same, and flagged."""

from decimal import Decimal

from msgspec.structs import replace

from app.domain.application import Application
from app.domain.coefficients import Coefficients
from app.domain.quote import Offer
from app.domain.tariff.formula import Tariff, coefficients_for, corridor, premium


def is_lawful(offer: Offer, application: Application, tariff: Tariff) -> bool:
    """By the factors that the insurer reports; without them by our own, for the best and the worst driver there is.

    True where the tariff of such a vehicle is not known to us.
    """
    bounds = corridor(application, tariff)
    if bounds is None:
        return True
    classes = sorted(tariff.bonus_malus, key=lambda name: tariff.bonus_malus[name])
    floor, ceiling = (
        premium(_factors(offer, application, rate, class_, tariff), capped=tariff.capped).amount
        for rate, class_ in zip(bounds, (classes[0], classes[-1]), strict=True)
    )
    return floor <= offer.premium.amount <= ceiling


def _factors(offer: Offer, application: Application, rate: Decimal, class_: str, tariff: Tariff) -> Coefficients:
    if offer.coefficients:
        return replace(offer.coefficients, base_rate=rate)
    return coefficients_for(
        application, base_rate=rate, bonus_malus_class=lambda _: class_, on=application.starts_on, tariff=tariff
    )
