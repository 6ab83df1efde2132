"""What adapters share: the application as it goes onto a wire, and strict reading of what comes off one.

Whatever cannot be understood is `InsurerProtocol`; its text names the place and holds nothing that the insurer wrote.
"""

import functools
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal, TypeVar, cast

import msgspec

from app.domain.application import Application
from app.domain.errors import InsurerProtocol
from app.domain.money import PREMIUM_MOST, Money
from app.domain.quote import Answer, NoOffer, Offer, declined
from app.domain.tariff.formula import Coefficients
from workers.adapters.adapter import Created, https_url, plain_code

Shape = TypeVar("Shape")

NOT_JSON: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_ID_LENGTH_MOST: Final = 256
_NUMBER_LENGTH_MOST: Final = 128

to_json: Final = msgspec.json.Encoder(decimal_format="string").encode
"""Decimals as strings, so that no kopeck is rounded away."""


def reader(shape: type[Shape]) -> Callable[[bytes], Shape]:
    """A function that reads JSON of this shape, strictly.

    It raises `InsurerProtocol` where the JSON, or its shape, is another.
    """
    decode = msgspec.json.Decoder(shape).decode

    def read(body: bytes) -> Shape:
        try:
            return decode(body)
        except NOT_JSON as error:
            raise InsurerProtocol(f"not the JSON that was agreed ({type(error).__name__})") from None

    return read


def as_wire(application: Application) -> dict[str, Any]:
    """The application in camelCase, as in `ApplicationInput`; what is not known is left out."""
    wire = _camel(msgspec.to_builtins(application, builtin_types=(Decimal,)))
    drivers = wire.pop("drivers", None)
    return wire | {"drivers": {"unlimited": True} if drivers is None else {"listed": drivers}}


def as_created(application_id: str) -> Created:
    """The insurer's own id of an application.

    Raises:
        InsurerProtocol: it cannot be one.
    """
    if not 1 <= len(application_id) <= _ID_LENGTH_MOST or not application_id.isprintable():
        raise InsurerProtocol("the application's id: not one")
    return Created(application_id)


def as_offer(
    *,
    number: str,
    premium: Decimal,
    currency: str = "RUB",
    coefficients: Coefficients | None = None,
    valid_until: datetime | None = None,
    purchase_url: str | None = None,
) -> Offer:
    """An offer, if it makes sense. A link that is not https is dropped; the offer stays.

    Raises:
        InsurerProtocol: it does not.
    """
    exponent = premium.as_tuple().exponent
    if currency != "RUB" or not isinstance(exponent, int) or exponent < -2:  # noqa: PLR2004 - kopecks
        raise InsurerProtocol("premium: not an amount of roubles and kopecks")
    if not 0 < premium <= PREMIUM_MOST:
        raise InsurerProtocol("premium: out of range")
    if not 1 <= len(number) <= _NUMBER_LENGTH_MOST or not number.isprintable():
        raise InsurerProtocol("number: not one")
    if valid_until is not None and valid_until.tzinfo is None:
        raise InsurerProtocol("validUntil: without its offset")
    return Offer(
        number=number,
        premium=Money(premium.quantize(Decimal("0.01")), currency),
        coefficients=_checked(coefficients),
        valid_until=valid_until,
        purchase_url=https_url(purchase_url),
    )


def as_refusal(code: str | None) -> NoOffer:
    """A refusal, with the insurer's own code if it is one: free text may echo personal data."""
    return declined(plain_code(code))


def refusal_in(body: bytes) -> NoOffer:
    """The refusal that a 422 is whatever its body says; its code is a bonus."""
    try:
        refusal = msgspec.json.decode(body)
        code = refusal.get("reason", refusal).get("code")
    except (*NOT_JSON, AttributeError):
        return declined()
    return as_refusal(code if isinstance(code, str) else None)


def _checked(coefficients: Coefficients | None) -> Coefficients | None:
    factors = [] if coefficients is None else [getattr(coefficients, name) for name in Coefficients.__slots__]
    if not all(factor.is_finite() and 0 < factor <= PREMIUM_MOST for factor in factors):
        raise InsurerProtocol("coefficients: not factors")
    return coefficients


def _camel(value: Any) -> Any:
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return {_camel_name(name): _camel(part) for name, part in fields.items() if part is not None}
    return [_camel(part) for part in cast("list[Any]", value)] if isinstance(value, list | tuple) else value


@functools.lru_cache(256)
def _camel_name(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


class _Coefficients(msgspec.Struct, rename="camel"):
    base_rate: Decimal
    territory: Decimal
    bonus_malus: Decimal
    age_experience: Decimal
    driver_restriction: Decimal
    power: Decimal
    season: Decimal


class _Offer(msgspec.Struct, rename="camel"):
    number: str
    premium: Decimal
    currency: Literal["RUB"]
    coefficients: _Coefficients | None = None
    valid_until: datetime | None = None
    purchase_url: str | None = None


class _Reason(msgspec.Struct):
    code: str


class Processing(msgspec.Struct, tag_field="status", tag="processing"):
    """Still at it. Of these three shapes is an answer in the JSON that several dialects share."""

    def answer(self) -> None:
        return None


class Offered(msgspec.Struct, tag_field="status", tag="offered"):
    """An offer, as `rest-poll` has it."""

    offer: _Offer

    def answer(self) -> Answer:
        read, factors = self.offer, self.offer.coefficients
        return as_offer(
            number=read.number,
            premium=read.premium,
            currency=read.currency,
            coefficients=factors and Coefficients(**msgspec.structs.asdict(factors)),
            valid_until=read.valid_until,
            purchase_url=read.purchase_url,
        )


class Declined(msgspec.Struct, tag_field="status", tag="declined"):
    """A refusal, likewise."""

    reason: _Reason

    def answer(self) -> Answer:
        return as_refusal(self.reason.code)


read_answer: Final[Callable[[bytes], Offered | Declined]] = reader(cast("Any", Offered | Declined))
read_status: Final[Callable[[bytes], Processing | Offered | Declined]] = reader(
    cast("Any", Processing | Offered | Declined)
)
"""In the JSON that several dialects share: an answer; an answer, or none yet."""
