"""`rest-poll`: create, then poll. The common dialect; CONTRACT.md has its wire."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal, cast
from urllib.parse import quote as quoted

import msgspec

from app.domain.application import Application
from app.domain.errors import InsurerProtocol
from app.domain.money import PREMIUM_MOST, Money
from app.domain.quote import Answer, Offer, declined
from app.domain.tariff import Coefficients
from workers.insurers.adapter import Adapter, Created, https_url, plain_code

NOT_JSON: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_CREATED: Final = 202
_OK: Final = 200
_REFUSED: Final = 422


class _Created(msgspec.Struct, rename="camel"):
    application_id: str

    def __post_init__(self) -> None:
        if not 1 <= len(self.application_id) <= 256 or not self.application_id.isprintable():  # noqa: PLR2004
            raise ValueError("applicationId")


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


class _Processing(msgspec.Struct, tag_field="status", tag="processing"):
    pass


class _Offered(msgspec.Struct, tag_field="status", tag="offered"):
    offer: _Offer


class _Declined(msgspec.Struct, tag_field="status", tag="declined"):
    reason: _Reason


_encoder: Final = msgspec.json.Encoder(decimal_format="string")
_created: Final = msgspec.json.Decoder(_Created)
_status: Final = msgspec.json.Decoder(_Processing | _Offered | _Declined)


class RestPoll(Adapter):
    """An insurer that takes an application in, and is asked for its offer until it is there."""

    async def create(self, application: Application, idempotency_key: str) -> Created | Answer:
        reply = await self.line.http.send(
            "POST",
            "applications",
            headers={"Content-Type": "application/json", "Idempotency-Key": idempotency_key},
            content=_encoder.encode(as_wire(application)),
        )
        if reply.status == _REFUSED:
            return declined(_refusal_code(reply.body))
        try:
            return Created(_created.decode(reply.expect(_CREATED).body).application_id)
        except NOT_JSON as error:
            raise InsurerProtocol("create: not as agreed") from error

    async def poll(self, application_id: str) -> Answer | None:
        reply = await self.line.http.send("GET", f"applications/{quoted(application_id, safe='')}")
        if reply.status == _REFUSED:
            return declined(_refusal_code(reply.body))
        try:
            status = _status.decode(reply.expect(_OK).body)
        except NOT_JSON as error:
            raise InsurerProtocol("poll: not as agreed") from error
        if isinstance(status, _Processing):
            return None
        return _offer(status.offer) if isinstance(status, _Offered) else declined(plain_code(status.reason.code))


def as_wire(application: Application) -> dict[str, Any]:
    """The application in camelCase, as in `ApplicationInput`; what is not known is left out."""
    wire = _camel(msgspec.to_builtins(application, builtin_types=(Decimal,)))
    drivers = wire.pop("drivers", None)
    return wire | {"drivers": {"unlimited": True} if drivers is None else {"listed": drivers}}


def _camel(value: Any) -> Any:
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return {_camel_name(name): _camel(part) for name, part in fields.items() if part is not None}
    return [_camel(part) for part in cast("list[Any]", value)] if isinstance(value, list | tuple) else value


def _camel_name(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def _refusal_code(body: bytes) -> str | None:
    """A 422 is a refusal whatever its body says; its code is a bonus."""
    try:
        refusal = msgspec.json.decode(body)
        code = refusal.get("reason", refusal).get("code")
    except (*NOT_JSON, AttributeError):
        return None
    return plain_code(code) if isinstance(code, str) else None


def _offer(read: _Offer) -> Offer:
    exponent = read.premium.as_tuple().exponent
    if not read.premium.is_finite() or not isinstance(exponent, int) or exponent < -2:  # noqa: PLR2004 - kopecks
        raise InsurerProtocol("premium: not an amount of roubles and kopecks")
    if not 0 < read.premium <= PREMIUM_MOST:
        raise InsurerProtocol("premium: out of range")
    if not 1 <= len(read.number) <= 128 or not read.number.isprintable():  # noqa: PLR2004
        raise InsurerProtocol("number: not one")
    if read.valid_until is not None and read.valid_until.tzinfo is None:
        raise InsurerProtocol("validUntil: without its offset")
    return Offer(
        number=read.number,
        premium=Money(read.premium.quantize(Decimal("0.01")), read.currency),
        coefficients=_coefficients(read.coefficients),
        valid_until=read.valid_until,
        purchase_url=https_url(read.purchase_url),
    )


def _coefficients(read: _Coefficients | None) -> Coefficients | None:
    if read is None:
        return None
    factors = {name: getattr(read, name) for name in read.__struct_fields__}
    if not all(factor.is_finite() and 0 < factor <= PREMIUM_MOST for factor in factors.values()):
        raise InsurerProtocol("coefficients: not factors")
    return Coefficients(**factors)
