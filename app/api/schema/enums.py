"""The domain's enums as GraphQL shows them, each value explained."""

from collections.abc import Mapping
from enum import Enum, StrEnum
from typing import TypeVar

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from app.domain.application import IdentityDocumentKind, Sex, VehicleCategory, VehicleDocumentKind, VehiclePurpose
from app.domain.insurer import Availability
from app.domain.quote import Outcome, QuoteRequestStatus, QuoteStatus

AnEnum = TypeVar("AnEnum", bound=Enum)


@strawberry.enum
class QuoteOrder(StrEnum):
    """How quotes are sorted."""

    RECEIVED_AT = "RECEIVED_AT"
    PREMIUM = "PREMIUM"
    TOTAL = "TOTAL"


def _show(enum: type[AnEnum], descriptions: Mapping[AnEnum, str] | None = None) -> None:
    strawberry.enum(enum)
    definition: StrawberryEnumDefinition = vars(enum)["__strawberry_definition__"]
    for value in definition.values:
        value.description = (descriptions or {}).get(enum[value.name])


_show(VehicleCategory)
_show(VehiclePurpose, {VehiclePurpose.REGULAR_ROUTES: "On regular routes: a corridor of its own."})
_show(
    VehicleDocumentKind,
    {
        VehicleDocumentKind.SELF_PROPELLED_PASSPORT: (
            "ПСМ: of tractors and other self-propelled machines, likewise the certificate."
        ),
        VehicleDocumentKind.FOREIGN: "Of a vehicle registered abroad.",
    },
)
_show(IdentityDocumentKind)
_show(Sex)
_show(Availability, {Availability.RECOVERING: "Its circuit is half open: a trial call decides."})
_show(
    QuoteRequestStatus,
    {
        QuoteRequestStatus.COLLECTING: "Insurers are being asked.",
        QuoteRequestStatus.COMPLETED: (
            "Every insurer has answered or the time is up, and there is at least one offer."
        ),
        QuoteRequestStatus.NO_OFFERS: "Every insurer has answered or the time is up, and there is no offer.",
    },
)
_show(
    QuoteStatus,
    {
        QuoteStatus.DECLINED: "The insurer refuses this application.",
        QuoteStatus.FAILED: "The insurer's API failed or answered nonsense, retries included.",
        QuoteStatus.UNAVAILABLE: "The insurer was not asked: its circuit is open.",
        QuoteStatus.TIMED_OUT: "No answer by `expiresAt`.",
    },
)
_show(Outcome)
