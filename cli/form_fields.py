"""The fields of an application for the customer's page: `python -m cli.form_fields` prints the module (`make schema`)."""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from typing import Any, Final

from app.domain.intake.application_table import USAGE_MONTHS, application_table
from app.domain.intake.drivers_table import DRIVERS_MAX
from app.domain.intake.field_table import TEXTS, ListTable, ObjectTable
from app.domain.intake.problems import MESSAGES
from app.domain.intake.table_walk import fields_of
from app.domain.intake.vehicle_table import NUMBERS

ANY_DAY: Final = date(2026, 1, 15)
"""Paths, kinds and what is required are the same on any day."""
SHOWN_BEFORE_SENDING: Final = ("REQUIRED", "VEHICLE_NUMBER_REQUIRED")
"""The problems that the page finds by itself."""
HEAD: Final = """\
// The fields of an application. `make schema` prints this file from the tables of fields: do not edit it.

"""
_KINDS: Final = MappingProxyType(
    {str: "text", int: "whole", Decimal: "decimal", date: "date", datetime: "moment", bool: "flag"}
)


def form_fields() -> str:
    """The module, as it stands in `frontend/customer/src/form/table.ts`."""
    parts = [
        (".".join(path), field)
        for path, _, field in fields_of(application_table(ANY_DAY, bool))
        if not isinstance(field.kind, ObjectTable | ListTable)
    ]
    fields = [
        f"  '{path}': {{ kind: '{_kind(field.kind)}', isRequired: {str(field.is_required).lower()} }},\n"
        for path, field in parts
    ]
    objects = [
        f"  '{'.'.join(path)}',\n"
        for path, _, field in fields_of(application_table(ANY_DAY, bool))
        if isinstance(field.kind, ObjectTable) and not field.is_required
    ]
    numbers = [f"'{path}'" for path, field in parts if path.startswith("vehicle.") and field.attribute in NUMBERS]
    messages = [f"  {code}: '{MESSAGES[code]}',\n" for code in SHOWN_BEFORE_SENDING]
    return "".join(
        [
            f"{HEAD}/** By the API's paths; `*` is a driver's place in the list. */\n",
            f"export const FIELDS = {{\n{''.join(fields)}}} as const;\n",
            "\n/** Objects that may be left out: while nothing is typed below one of them, nothing there is required. */\n",
            f"export const OPTIONAL_OBJECTS = [\n{''.join(objects)}] as const;\n",
            "\n/** At least one of them is given. */\n",
            f"export const NUMBERS = [{', '.join(numbers)}] as const;\n",
            f"export const DRIVERS_MAX = {DRIVERS_MAX};\n",
            f"export const [USAGE_MONTHS_MIN, USAGE_MONTHS_MAX] = {list(USAGE_MONTHS)} as const;\n",
            "\n/** The API's messages of the problems that the page finds by itself. */\n",
            f"export const MESSAGES = {{\n{''.join(messages)}}} as const;\n",
        ]
    )


def _kind(kind: Any) -> str:
    if kind in TEXTS:
        return "text"
    return "choice" if issubclass(kind, Enum) else _KINDS[kind]


if __name__ == "__main__":
    print(form_fields(), end="")
