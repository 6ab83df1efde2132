"""What an insurer puts on the wire: bodies of the `rest-poll` API, as the aggregator agreed with every insurer."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from app.domain.tariff import Coefficients
from sandbox.insurers.behaviours import Decline
from sandbox.insurers.behaviours import Offer as ScriptedOffer
from sandbox.insurers.fate import Refusal
from sandbox.insurers.pricing import Price


@dataclass(frozen=True, slots=True)
class Reply:
    """A status and its body."""

    status: int
    body: bytes
    retry_after: str | None = None


class _Created(msgspec.Struct, rename="camel"):
    application_id: str


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
    premium: str
    currency: str = "RUB"
    coefficients: _Coefficients | None = None
    valid_until: str | None = None
    purchase_url: str | None = None


class _Reason(msgspec.Struct):
    code: str
    message: str


class _Processing(msgspec.Struct, tag_field="status", tag="processing"):
    pass


class _Offered(msgspec.Struct, tag_field="status", tag="offered"):
    offer: _Offer


class _Declined(msgspec.Struct, tag_field="status", tag="declined"):
    reason: _Reason


class _Error(msgspec.Struct):
    error: str


encode: Final = msgspec.json.Encoder(decimal_format="string").encode

PROCESSING: Final = Reply(200, encode(_Processing()))


def created(application_id: str) -> Reply:
    return Reply(202, encode(_Created(application_id)))


def offered(price: Price, *, insurer_id: str, number: str, valid_until: datetime) -> bytes:
    offer = _Offer(
        number=number,
        premium=str(price.premium.amount),
        currency=price.premium.currency,
        coefficients=_coefficients(price.coefficients),
        valid_until=valid_until.isoformat(timespec="seconds"),
        purchase_url=_purchase_url(insurer_id, number),
    )
    return encode(_Offered(offer))


def offered_by_script(scripted: ScriptedOffer, *, insurer_id: str, number: str) -> bytes:
    """Nothing but what the script says: factors beside a premium of somebody's choice would contradict it."""
    number = number if scripted.number is None else scripted.number
    offer = _Offer(
        number=number,
        premium=scripted.premium,
        valid_until=scripted.valid_until,
        purchase_url=_purchase_url(insurer_id, number) if scripted.purchase_url is None else scripted.purchase_url,
    )
    return encode(_Offered(offer))


def declined(refusal: Refusal | Decline) -> bytes:
    return encode(_Declined(_Reason(refusal.code, refusal.message)))


def error(status: int, code: str, retry_after: str | None = None) -> Reply:
    return Reply(status, encode(_Error(code)), retry_after)


def unpriceable(why: str) -> Reply:
    return Reply(422, declined(Refusal("APPLICATION_INVALID", f"Заявление не удалось прочитать: {why}")))


def _coefficients(factors: Coefficients) -> _Coefficients:
    return msgspec.convert(factors, _Coefficients, from_attributes=True)


def _purchase_url(insurer_id: str, number: str) -> str:
    return f"https://{insurer_id}.example/buy/{number}"
