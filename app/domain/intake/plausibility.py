"""Warnings about a valid application: what is unusual and may be a typing error. Nothing is refused for it."""

from collections.abc import Iterator
from datetime import date
from typing import Final, TypeAlias

from app.domain.application import Application, Person
from app.domain.errors import Problem
from app.domain.intake.field_table import Found, Path
from app.domain.intake.problems import problem
from app.domain.intake.spelling.number_plates import is_transit_plate
from app.domain.intake.spelling.person_names import same_name
from app.domain.intake.spelling.register_numbers import is_vin_usual

Named: TypeAlias = tuple[Path, tuple[str | None, ...], date]
_HOLDER: Final = ("policyholder", "person")
_OWNER: Final = ("owner", "person")


def warnings_of(application: Application) -> list[Problem]:
    """Each with its path in the input. The same application has the same ones, however often it is sent."""
    return [problem(("application", *path), code) for path, code in _found(application)]


def _found(application: Application) -> Found:
    vehicle = application.vehicle
    if vehicle.vin is not None and not is_vin_usual(vehicle.vin):
        yield ("vehicle", "vin"), "VIN_UNUSUAL"
    if vehicle.license_plate is not None and not vehicle.is_in_transit and is_transit_plate(vehicle.license_plate):
        yield ("vehicle", "isInTransit"), "TRANSIT_PLATE"
    people = list(_people(application))
    if len({(*names, day) for _, names, day in people}) > 1:
        yield from _namesakes(people)


def _namesakes(people: list[Named]) -> Found:
    """Persons of one name, in any writing, with different days of birth."""
    born_on: dict[tuple[str, ...], date] = {}
    for path, names, day in people:
        if born_on.setdefault(same_name(*names), day) != day:
            yield (*path, "birthDate"), "NAMESAKE"


def _people(application: Application) -> Iterator[Named]:
    """Each person that is named."""
    holder, owner = application.policyholder, application.owner
    if isinstance(holder, Person):
        yield _HOLDER, (holder.last_name, holder.first_name, holder.middle_name), holder.birth_date
    if owner is not holder and isinstance(owner, Person):
        yield _OWNER, (owner.last_name, owner.first_name, owner.middle_name), owner.birth_date
    for place, driver in enumerate(application.drivers or ()):
        names = (driver.last_name, driver.first_name, driver.middle_name)
        yield ("drivers", "listed", str(place)), names, driver.birth_date
