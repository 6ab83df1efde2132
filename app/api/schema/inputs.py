"""The inputs of the schema. They describe; `app.domain.intake.application_reader` decides what is valid, of the plain mapping.

Inside an application GraphQL's coercion is all that happens here: the classes are never built.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import strawberry
from strawberry import ID
from strawberry.types.arguments import InputContext

from app.api.schema.enums import VehicleCategory, VehicleDocumentKind, VehiclePurpose


@strawberry.input
class AddressInput:
    kladr: str = strawberry.field(description="KLADR code of the settlement: it sets the territory coefficient.")
    text: str


@strawberry.input
class PersonInput:
    last_name: str
    first_name: str
    middle_name: str | None = strawberry.UNSET
    birth_date: date
    passport: str = strawberry.field(description="Series and number of the internal passport, 10 digits.")
    passport_issued_on: date | None = strawberry.UNSET
    address: AddressInput
    phone: str | None = strawberry.UNSET
    email: str | None = strawberry.UNSET


@strawberry.input
class DriverInput:
    last_name: str
    first_name: str
    middle_name: str | None = strawberry.UNSET
    birth_date: date
    license: str = strawberry.field(description="Series and number of the driving licence.")
    driving_since: date


@strawberry.input(one_of=True)
class DriversInput:
    listed: list[DriverInput] | None = strawberry.UNSET
    unlimited: bool | None = strawberry.field(description="Anyone may drive.", default=strawberry.UNSET)


@strawberry.input
class VehicleDocumentInput:
    kind: VehicleDocumentKind
    number: str = strawberry.field(
        description="Series and number without spaces; the 15 digits of an electronic passport."
    )
    issued_on: date


@strawberry.input
class VehicleInput:
    category: VehicleCategory = VehicleCategory.B
    make: str
    model: str
    year: int
    engine_power: Decimal = strawberry.field(description="Horsepower.")
    license_plate: str | None = strawberry.field(
        description="State registration plate, e.g. А123ВС77; left out while the vehicle has none.",
        default=strawberry.UNSET,
    )
    vin: str | None = strawberry.field(
        description="One of vin, bodyNumber, chassisNumber is required.", default=strawberry.UNSET
    )
    body_number: str | None = strawberry.UNSET
    chassis_number: str | None = strawberry.UNSET
    document: VehicleDocumentInput
    purpose: VehiclePurpose = VehiclePurpose.PERSONAL
    max_mass_kg: int | None = strawberry.field(
        description="Permitted maximum mass, for category C.", default=strawberry.UNSET
    )
    seats: int | None = strawberry.field(description="Passenger seats, for category D.", default=strawberry.UNSET)
    with_trailer: bool = False


@strawberry.input
class ApplicationInput:
    vehicle: VehicleInput
    policyholder: PersonInput
    owner: PersonInput | None = strawberry.field(description="The policyholder if left out.", default=strawberry.UNSET)
    drivers: DriversInput
    starts_on: date
    usage_months: int = strawberry.field(
        description="Months of use within the year of the policy, 3 to 12.", default=12
    )


@strawberry.input
class CreateQuoteRequestInput:
    client_reference: str | None = strawberry.field(
        description="The caller's own number of the application; makes a retry safe.", default=strawberry.UNSET
    )
    customer_id: ID
    application: ApplicationInput
    insurer_ids: list[ID] | None = strawberry.field(
        description="Ask only these; all if left out; an empty list is a problem.", default=strawberry.UNSET
    )


def _as_mapping(_cls: type, value: Mapping[str, Any], _context: InputContext) -> Any:
    """What GraphQL has coerced, as it is: one parser, the domain's, serves every door."""
    return value


CreateQuoteRequestInput.__strawberry_definition__.from_input = _as_mapping  # type: ignore[attr-defined]
