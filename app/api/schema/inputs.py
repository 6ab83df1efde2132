"""GraphQL's input types, made from the tables of fields that the readers interpret.

GraphQL's coercion is all that they do: the classes are never built, a resolver has the input as it came.
`app.intake.new_request` decides what is valid.
"""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import strawberry
from strawberry import ID
from strawberry.types.arguments import InputContext

from app.api.schema import enums
from app.domain.intake.field_table import CountryCode, Field, Identifier, ListTable, ObjectTable
from app.intake.new_request import IntakeRules, new_request_table

_TABLE: Final = new_request_table(date.min.replace(year=2026), IntakeRules.of())
"""Only the names, kinds and texts are used, and those are the same on any day."""
_TEXTS: Final[dict[Any, Any]] = {Identifier: ID, CountryCode: CountryCode}
_DESCRIPTIONS: Final = {
    "ConsentInput": "What the customer has agreed to, as it was shown. "
    "Kept sealed, with the insurers that were to be asked."
}


def _input_type(table: ObjectTable, made: dict[str, type]) -> type:
    if table.name not in made:
        annotations: dict[str, Any] = {}
        namespace: dict[str, Any] = {"__annotations__": annotations, "__module__": __name__}
        for field in table.fields:
            annotations[field.attribute] = _annotation(field, made)
            namespace[field.attribute] = strawberry.field(name=field.key, description=field.about, **_default(field))
        made[table.name] = strawberry.input(
            type(table.name, (), namespace), one_of=table.is_one_of, description=_DESCRIPTIONS.get(table.name)
        )
    return made[table.name]


def _as_it_came(_class: type, value: Mapping[str, Any], _context: InputContext) -> Mapping[str, Any]:
    return value


def _annotation(field: Field, made: dict[str, type]) -> Any:
    kind = _kind(field.kind, made)
    return kind if field.is_required or field.default is not None else kind | None


def _kind(kind: Any, made: dict[str, type]) -> Any:
    if isinstance(kind, ObjectTable):
        return _input_type(kind, made)
    if isinstance(kind, ListTable):
        return list[_kind(kind.item, made)]
    return _TEXTS.get(kind, kind)


def _default(field: Field) -> dict[str, Any]:
    if field.is_required:
        return {}
    return {"default": strawberry.UNSET if field.default is None else field.default}


# The enums are part of the schema as soon as their module is imported.
_ENUMS: Final = (
    enums.VehicleCategory,
    enums.VehiclePurpose,
    enums.VehicleDocumentKind,
    enums.IdentityDocumentKind,
    enums.Sex,
)


if TYPE_CHECKING:

    class CreateQuoteRequestInput:
        """`_input_type` makes it."""
else:
    CreateQuoteRequestInput = _input_type(_TABLE, {})
    CreateQuoteRequestInput.__strawberry_definition__.from_input = _as_it_came  # Strawberry's hook for such classes
