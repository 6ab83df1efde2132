"""An insurer's answer, in every dialect: an offer or a refusal; and the reply that carries it over the wire."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

import msgspec

from app.domain.offers.coefficients import Coefficients
from app.domain.offers.extras import Extra, mandatory_price
from sandbox.insurers.model.catalogue import INSURERS
from sandbox.insurers.model.outcome import Refusal, WrongPlace
from sandbox.insurers.model.pricing import Price
from sandbox.insurers.script.behaviours import Decline
from sandbox.insurers.script.behaviours import Offer as ScriptedOffer

JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Reply:
    """A status and its body."""

    status: int
    body: bytes
    retry_after: str | None = None
    media_type: str = JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """An offer. Texts are sent as they are: a script may have put nonsense there."""

    number: str
    premium: str
    currency: str = "RUB"
    coefficients: Coefficients | None = None
    valid_until: str | None = None
    purchase_url: str | None = None
    total: str | None = None
    extras: tuple[Mapping[str, Any], ...] = ()
    starts_on: str | None = None
    territory_assumed: bool = False
    """КТ is that of the region's capital: the place's own is not known."""


Said: TypeAlias = Offered | Refusal

encode: Final = msgspec.json.Encoder(decimal_format="string").encode


def offered(price: Price, *, insurer_id: str, number: str, valid_until: datetime) -> Offered:
    extras = INSURERS[insurer_id].extras
    return Offered(
        number=number,
        premium=str(price.premium.amount),
        currency=price.premium.currency,
        coefficients=price.coefficients,
        valid_until=valid_until.isoformat(timespec="seconds"),
        purchase_url=_purchase_url(insurer_id, number),
        total=str(price.premium.amount + mandatory_price(extras)) if extras else None,
        extras=tuple(as_sold(extra) for extra in extras),
        territory_assumed=price.is_territory_assumed,
    )


def as_sold(extra: Extra) -> Mapping[str, Any]:
    """An extra as the insurers' APIs have it."""
    return {"code": extra.code, "name": extra.name, "price": str(extra.price), "mandatory": extra.is_mandatory}


def offered_by_script(scripted: ScriptedOffer, *, insurer_id: str, number: str) -> Offered:
    """Nothing but what the script says: coefficients beside a scripted premium would contradict it."""
    number = number if scripted.number is None else scripted.number
    return Offered(
        number=number,
        premium=scripted.premium,
        valid_until=scripted.valid_until,
        purchase_url=_purchase_url(insurer_id, number) if scripted.purchase_url is None else scripted.purchase_url,
        total=scripted.total,
        extras=tuple(scripted.extras),
        starts_on=scripted.starts_on,
    )


def refused(scripted: Decline) -> Refusal:
    places = (WrongPlace(tuple(place.path), place.code) for place in scripted.problems)
    return Refusal(scripted.code, scripted.message, tuple(places))


def unreadable(why: str) -> Refusal:
    return Refusal("APPLICATION_INVALID", f"Заявление не удалось прочитать: {why}")


def _purchase_url(insurer_id: str, number: str) -> str:
    return f"https://{insurer_id}.example/buy/{number}"
