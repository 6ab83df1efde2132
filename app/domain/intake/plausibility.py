"""Warnings about a valid application: what is unusual and may be a typing error. Nothing is refused for it."""

from collections.abc import Iterator
from datetime import date

from app.domain.application import Application, Person
from app.domain.errors import Problem
from app.domain.intake.field_table import Found, Path
from app.domain.intake.problems import problem
from app.domain.intake.spelling.number_plates import is_transit_plate
from app.domain.intake.spelling.person_names import same_name
from app.domain.intake.spelling.register_numbers import is_vin_usual


def warnings_of(application: Application) -> list[Problem]:
    """Each with its path in the input. The same application has the same ones, however often it is sent."""
    return [problem(("application", *path), code) for path, code in _found(application)]


def _found(application: Application) -> Found:
    vehicle = application.vehicle
    if vehicle.vin is not None and not is_vin_usual(vehicle.vin):
        yield ("vehicle", "vin"), "VIN_UNUSUAL"
    if vehicle.license_plate is not None and not vehicle.is_in_transit and is_transit_plate(vehicle.license_plate):
        yield ("vehicle", "isInTransit"), "TRANSIT_PLATE"
    born_on: dict[tuple[str, ...], date] = {}
    for path, name, day in _people(application):
        if born_on.setdefault(name, day) != day:
            yield (*path, "birthDate"), "NAMESAKE"


def _people(application: Application) -> Iterator[tuple[Path, tuple[str, ...], date]]:
    """Each person that is named, with the name as it is the same in any writing."""
    parties = [("policyholder", application.policyholder)]
    if application.owner is not application.policyholder:
        parties.append(("owner", application.owner))
    for key, party in parties:
        if isinstance(party, Person):
            yield (key, "person"), same_name(party.last_name, party.first_name, party.middle_name), party.birth_date
    for place, driver in enumerate(application.drivers or ()):
        name = same_name(driver.last_name, driver.first_name, driver.middle_name)
        yield ("drivers", "listed", str(place)), name, driver.birth_date
