"""The types of an offer and of a reason: what their domain values look like from outside."""

import dataclasses
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self, TypeAlias, cast, get_type_hints

import msgspec
import strawberry

from app.domain import errors, money, quote
from app.domain.offers import extras
from app.domain.offers.coefficients import Coefficients, DriverCoefficients
from app.domain.offers.refusals import MendableProblem


@strawberry.type(name="Money")
class MoneyType:
    amount: Decimal
    currency: str = strawberry.field(description="ISO 4217.")

    @classmethod
    def of(cls, value: money.Money) -> Self:
        return cls(amount=value.amount, currency=value.currency)


def _type_of(struct: type[msgspec.Struct], about: str | None = None, **others: Any) -> type:
    """The schema's type of a value of the domain, with its name and fields; such a value is shown as it is.

    `others` are fields with another type, or a description.
    """
    hints = get_type_hints(struct) | {name: kind for name, (kind, _) in others.items()}
    fields = {name: strawberry.field(description=text) for name, (_, text) in others.items()}
    namespace: dict[str, Any] = {"__annotations__": hints, "__module__": __name__, **fields}
    return strawberry.type(type(struct.__name__, (), namespace), description=about)


if TYPE_CHECKING:
    CoefficientsType: TypeAlias = Coefficients
else:
    DriverCoefficientsType = _type_of(DriverCoefficients)
    CoefficientsType = _type_of(
        Coefficients,
        "The factors of the premium as the insurer reports them; premium = the product, or less where the law caps it.",
        bonus_malus=(Decimal, "Of the drivers the largest, apart from `ageExperience`."),
        drivers=(
            list[DriverCoefficientsType] | None,
            "Each listed driver's own, where the insurer reports them, in the order of the application.",
        ),
    )


@strawberry.type(name="Extra", description="What an insurer sells together with the policy.")
class ExtraType:
    code: str
    name: str
    price: MoneyType
    is_mandatory: bool = strawberry.field(description="The policy is not sold without it.")

    @classmethod
    def of(cls, value: extras.Extra) -> Self:
        price = MoneyType(amount=value.price, currency=money.RUB)
        return cls(code=value.code, name=value.name, price=price, is_mandatory=value.is_mandatory)


@strawberry.type(name="Offer")
class OfferType:
    number: str = strawberry.field(description="The insurer's own number of the offer.")
    premium: MoneyType
    coefficients: CoefficientsType | None
    total: MoneyType = strawberry.field(
        description="The premium and every mandatory extra: what the customer pays. `bestQuote` is by this."
    )
    extras: list[ExtraType]
    starts_on: date | None = strawberry.field(description="Where the insurer moves the start; null: as asked.")
    valid_until: datetime | None
    purchase_url: str | None = strawberry.field(description="Where the customer goes to buy; always https.")

    @classmethod
    def of(cls, value: quote.Offer) -> Self:
        fields = dataclasses.fields(cast("Any", cls))
        shown: dict[str, Any] = {field.name: getattr(value, field.name) for field in fields}
        shown["premium"], shown["total"] = MoneyType.of(value.premium), MoneyType.of(value.total)
        shown["extras"] = [ExtraType.of(extra) for extra in value.extras]
        return cls(**shown)


@strawberry.type(name="Problem")
class ProblemType:
    path: list[str] = strawberry.field(
        description='Where in the input, e.g. ["application", "drivers", "listed", "0", "birthDate"].'
    )
    code: str = strawberry.field(description="Stable, for programs: e.g. VIN_INVALID.")
    message: str = strawberry.field(description="For people.")

    @classmethod
    def of(cls, value: errors.Problem | MendableProblem) -> Self:
        return cls(path=list(value.path), code=value.code, message=value.message)


@strawberry.type(name="Reason")
class ReasonType:
    code: str
    message: str
    insurer_code: str | None = strawberry.field(description="The insurer's own code, where it gave a plain one.")
    problems: list[ProblemType] = strawberry.field(
        description="What the customer can mend, with paths into the application: then asking again makes sense."
    )

    @classmethod
    def of(cls, value: quote.Reason) -> Self:
        problems = [ProblemType.of(one) for one in value.problems]
        return cls(code=value.code.value, message=value.message, insurer_code=value.insurer_code, problems=problems)
