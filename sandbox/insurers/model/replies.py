"""An insurer's answer, in every dialect: an offer or a refusal; and the reply that carries it over the wire."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

import msgspec

from app.domain.offers.coefficients import Coefficients
from sandbox.insurers.model.outcome import Refusal
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


Said: TypeAlias = Offered | Refusal

encode: Final = msgspec.json.Encoder(decimal_format="string").encode


def offered(price: Price, *, insurer_id: str, number: str, valid_until: datetime) -> Offered:
    return Offered(
        number=number,
        premium=str(price.premium.amount),
        currency=price.premium.currency,
        coefficients=price.coefficients,
        valid_until=valid_until.isoformat(timespec="seconds"),
        purchase_url=_purchase_url(insurer_id, number),
    )


def offered_by_script(scripted: ScriptedOffer, *, insurer_id: str, number: str) -> Offered:
    """Nothing but what the script says: coefficients beside a scripted premium would contradict it."""
    number = number if scripted.number is None else scripted.number
    return Offered(
        number=number,
        premium=scripted.premium,
        valid_until=scripted.valid_until,
        purchase_url=_purchase_url(insurer_id, number) if scripted.purchase_url is None else scripted.purchase_url,
    )


def refused(scripted: Decline) -> Refusal:
    return Refusal(scripted.code, scripted.message)


def unreadable(why: str) -> Refusal:
    return Refusal("APPLICATION_INVALID", f"Заявление не удалось прочитать: {why}")


def _purchase_url(insurer_id: str, number: str) -> str:
    return f"https://{insurer_id}.example/buy/{number}"
