"""Rules for the figures of every edition: a file that breaks one of them is not read."""

from collections.abc import Iterator
from itertools import pairwise

from app.domain.tariff.edition import (
    BONUS_MALUS_CLASSES,
    DRIVER_AGE_MAX,
    DRIVING_AGE_MIN,
    SEASON_MONTHS,
    AgeExperience,
    Edition,
    PowerSteps,
    Territory,
)


def first_fault(edition: Edition) -> str | None:
    """The place and what is wrong there; None for a tariff that can be one."""
    return next(_faults(edition), None)


def _faults(edition: Edition) -> Iterator[str]:
    yield from _corridors(edition)
    yield from _bonus_malus(edition)
    yield from _season(edition)
    for name, table in (("motorcycle", edition.age_experience_motorcycle), ("other", edition.age_experience_other)):
        yield from _ages(f"age_experience.{name}", table)
    for name, steps in (("car", edition.power_car), ("motorcycle", edition.power_motorcycle)):
        yield from _steps(f"power.{name}", steps)
    yield from _territory(edition.territory)
    if edition.cap and edition.cap.value < 1:
        yield "cap.times: a premium below its base rate"


def _corridors(edition: Edition) -> Iterator[str]:
    for kind, corridor in edition.corridors.items():
        if not 0 < corridor.floor.value <= corridor.ceiling.value:
            yield f"base_rates.{kind}: the floor is above the ceiling, or 0"


def _bonus_malus(edition: Edition) -> Iterator[str]:
    if sorted(edition.bonus_malus) != sorted(BONUS_MALUS_CLASSES):
        yield f"bonus_malus.classes: expected {', '.join(BONUS_MALUS_CLASSES)}"
        return
    for worse, better in pairwise(BONUS_MALUS_CLASSES):
        if not edition.bonus_malus[worse].value >= edition.bonus_malus[better].value > 0:
            yield f"bonus_malus.classes.{better}: larger than that of the worse class {worse}, or 0"


def _season(edition: Edition) -> Iterator[str]:
    if sorted(edition.season) != list(SEASON_MONTHS):
        yield f"season.months: expected {SEASON_MONTHS[0]} to {SEASON_MONTHS[-1]}"
        return
    for fewer, more in pairwise(SEASON_MONTHS):
        if not 0 < edition.season[fewer].value <= edition.season[more].value:
            yield f"season.months.{more}: smaller than that of fewer months, or 0"


def _ages(place: str, table: AgeExperience) -> Iterator[str]:
    if table.experience_from[:1] != (0,) or any(a >= b for a, b in pairwise(table.experience_from)):
        yield f"{place}.experience_from: expected years that grow from 0"
    if not table.bands or table.bands[-1].last < DRIVER_AGE_MAX:
        yield f"{place}.bands: end before the age of {DRIVER_AGE_MAX}"
    for band in table.bands:
        if band.first > band.last:
            yield f"{place}, age {band.first}: ends before it begins"
        reached = sum(first <= band.last - DRIVING_AGE_MIN for first in table.experience_from)
        if not reached <= len(band.factors) <= len(table.experience_from):
            yield f"{place}, age {band.first}: {len(band.factors)} factors, expected {reached}"
        if any(factor.value <= 0 for factor in band.factors):
            yield f"{place}, age {band.first}: a factor of 0"
    for before, after in pairwise(table.bands):
        if after.first != before.last + 1:
            yield f"{place}, age {after.first}: follows {before.last}, so that ages are left out or stand twice"


def _steps(place: str, steps: PowerSteps) -> Iterator[str]:
    if any(a >= b for a, b in pairwise(steps.up_to_hp)):
        yield f"{place}.up_to_hp: does not grow"
    if len(steps.factors) != len(steps.up_to_hp) + 1:
        yield f"{place}.factors: expected {len(steps.up_to_hp) + 1}, one of them beyond the last bound"


def _territory(territory: Territory) -> Iterator[str]:
    capitals = [place.kladr[:2] for place in territory.places.values() if place.is_capital]
    for region in capitals:
        if capitals.count(region) > 1:
            yield f"territory.capitals: region {region} stands twice"
    for place in territory.places.values():
        if place.factor.value <= 0:
            yield f"territory, {place.kladr} {place.name}: a factor of 0"
