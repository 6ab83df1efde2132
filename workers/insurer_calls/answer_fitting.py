"""An answer fitted to the application that it is for: paths lead into the application, a start is one that was moved."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from msgspec.structs import replace as with_changes

from app.domain.application import Application
from app.domain.quote import Answer, Offer

APPLICATION: Final = "application"
_ANY_DAY: Final = date(2026, 1, 1)
"""The fields of an application are the same on each."""


def fitted(answer: Answer, application: Application) -> Answer:
    """The fitted answer; the same object where there is nothing to fit."""
    if isinstance(answer, Offer):
        is_moved = answer.starts_on is None or answer.starts_on != application.starts_on
        return answer if is_moved else replace(answer, starts_on=None)
    if not answer.reason.problems:
        return answer
    problems = tuple(with_changes(one, path=path_into(application, one.path)) for one in answer.reason.problems)
    return replace(answer, reason=with_changes(answer.reason, problems=problems))


def path_into(application: Application, path: Sequence[str]) -> tuple[str, ...]:
    """`application` and the longest part of the path that leads to a field of it, or to a driver that it lists."""
    # Refusals with paths are few, and the rules of all fields are a tenth of what a worker would import to start.
    from app.domain.intake.application_table import application_table  # noqa: PLC0415
    from app.domain.intake.field_table import ListTable, ObjectTable  # noqa: PLC0415

    led = [APPLICATION]
    table: object = application_table(_ANY_DAY, is_email=bool)  # no value is read
    for part in path:
        if isinstance(table, ListTable):
            if not part.isdecimal() or not part.isascii() or int(part) >= len(application.drivers or ()):
                break
            table = table.item
        elif isinstance(table, ObjectTable):
            field = next((field for field in table.fields if field.key == part), None)
            if field is None:
                break
            table = field.kind
        else:
            break
        led.append(part)
    return tuple(led)
