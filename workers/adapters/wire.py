"""What adapters share: the application as it goes onto a wire, and strict reading of what comes off one.

An unintelligible value is `InsurerProtocol`; its text names the place and holds nothing that the insurer wrote.
"""

import functools
import json
import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal, TypeVar, cast

import msgspec

from app.domain.application import Application
from app.domain.errors import InsurerProtocol
from app.domain.money import Money
from app.domain.offers.coefficients import Coefficients
from app.domain.quote import Answer, NoOffer, Offer, declined
from workers.adapters.adapter import Created
from workers.adapters.transport.insurer_http import Reply

Shape = TypeVar("Shape")

NOT_JSON: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
NOT_READ: Final = msgspec.Raw()
"""The default of an optional field that is kept as it came, for `as_offer` to read."""

MAY_REFUSE: Final = frozenset({500})
"""Statuses besides 4xx with bodies that may hold a refusal, in the JSON that was agreed."""
_REFUSED: Final = 422
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_ESCAPES: Final = re.compile(rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F]..)|.)", re.DOTALL)
_UNPRINTABLE: Final = rb"\u0000"
_KEY: Final = re.compile(rb'"([^"\\]*)"\s*:')

to_json: Final = msgspec.json.Encoder(decimal_format="string").encode
"""Decimals as strings, so that no kopeck is rounded away."""


def reader(shape: type[Shape]) -> Callable[[bytes], Shape]:
    """A function that reads JSON of this shape, strictly; a byte order mark before it is skipped, half a character is none.

    It raises `InsurerProtocol` where the JSON, or its shape, is another, or a name stands twice in an object.
    """
    decode = msgspec.json.Decoder(shape).decode

    def read(body: bytes) -> Shape:
        body = _as_json(body)
        try:
            found = decode(body)
            _check_names(body)
        except (*NOT_JSON, _TwiceError) as error:
            raise InsurerProtocol(f"not the JSON that was agreed ({type(error).__name__})") from None
        return found

    return read


def _as_json(body: bytes) -> bytes:
    """The body without a byte order mark, and NUL for each half of a surrogate pair: that field alone cannot be read then."""
    body = body.removeprefix(_BYTE_ORDER_MARK)
    if b"\\ud" not in body and b"\\uD" not in body:
        return body
    return _ESCAPES.sub(lambda escape: _UNPRINTABLE if escape[1] else escape[0], body)


class _TwiceError(ValueError):
    """Which of two values is meant cannot be known: of two premiums the last one would be taken."""


def _check_names(body: bytes) -> None:
    """Raises `_TwiceError`. Costs 1 µs for "processing" and 8 µs for an offer; what may have two names is read once more."""
    names = _KEY.findall(body)
    if len(set(names)) < len(names) or b"\\" in body:
        json.loads(body, object_pairs_hook=_once_each, parse_int=str, parse_float=str)


def _once_each(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        raise _TwiceError


def as_wire(application: Application) -> dict[str, Any]:
    """The application in camelCase, as in `ApplicationInput` without the consent; what is not known is left out."""
    wire = _camel(msgspec.to_builtins(application, builtin_types=(Decimal,)))
    wire.pop("consent", None)
    for party in ("policyholder", "owner"):
        wire[party] = {wire[party].pop("party"): wire[party]}
    drivers = wire.pop("drivers", None)
    return wire | {"drivers": {"unlimited": True} if drivers is None else {"listed": drivers}}


def as_created(application_id: str) -> Created:
    """The insurer's own id of an application.

    Raises:
        InsurerProtocol: it cannot be one.
    """
    return Created(application_id)


def as_offer(
    *,
    number: str,
    premium: Decimal,
    currency: str = "RUB",
    coefficients: object = None,
    valid_until: object = None,
    purchase_url: object = None,
) -> Offer:
    """An offer within the bounds of `app.domain.quote.Offer`.

    The last three may be values, or what came: JSON as `msgspec.Raw`, texts and mappings of texts otherwise. What cannot be
    read, or is out of bounds, is left out; the offer stays.

    Raises:
        InsurerProtocol: number, premium or currency cannot be those of an offer.
    """
    return Offer(
        number=number,
        premium=Money(premium, currency),
        coefficients=_coefficients(coefficients),
        valid_until=optional(valid_until, datetime),
        purchase_url=optional(purchase_url, str),
    )


def optional(value: object, shape: type[Shape]) -> Shape | None:
    """An optional field in this shape: a value of it, JSON as `msgspec.Raw`, or texts; None where it cannot be read."""
    if value is None or isinstance(value, shape):
        return value
    try:
        if isinstance(value, msgspec.Raw):
            return _decoder(shape).decode(value) if value else None
        return msgspec.convert(value, shape, strict=False)
    except NOT_JSON:
        return None


def as_refusal(code: str | None) -> NoOffer:
    """A refusal, with the insurer's own code if it is one: free text may echo personal data."""
    return declined(code)


def refusal_in(body: bytes) -> NoOffer:
    """The refusal of a 422, with any body; its code is a bonus."""
    try:
        refusal = msgspec.json.decode(_as_json(body))
        code = refusal.get("reason", refusal).get("code")
    except (*NOT_JSON, AttributeError):
        return declined()
    return as_refusal(code if isinstance(code, str) else None)


def _coefficients(value: object) -> Coefficients | None:
    """Of a mapping, the names may be those of the attributes too."""
    return optional(_camel(value) if isinstance(value, dict) else value, Coefficients)


@functools.lru_cache(16)
def _decoder(shape: type[Shape]) -> "msgspec.json.Decoder[Shape | None]":
    return msgspec.json.Decoder(cast("Any", shape | None))


def refused(reply: Reply) -> NoOffer | None:
    """The refusal in a reply of a REST dialect: any 422, and a 500 with a refusal as its body; None if it is no refusal."""
    if reply.status == _REFUSED:
        return refusal_in(reply.body)
    if reply.status in MAY_REFUSE:
        try:
            said = read_status(reply.body)
        except InsurerProtocol:
            return None
        return as_refusal(said.reason.code) if isinstance(said, Declined) else None
    return None


def _camel(value: Any) -> Any:
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return {_camel_name(name): _camel(part) for name, part in fields.items() if part is not None}
    return [_camel(part) for part in cast("list[Any]", value)] if isinstance(value, list | tuple) else value


@functools.lru_cache(256)
def _camel_name(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


class _Offer(msgspec.Struct, rename="camel"):
    number: str
    premium: Decimal
    currency: Literal["RUB"]
    coefficients: msgspec.Raw = NOT_READ
    valid_until: msgspec.Raw = NOT_READ
    purchase_url: msgspec.Raw = NOT_READ


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
        return as_offer(**msgspec.structs.asdict(self.offer))


class Declined(msgspec.Struct, tag_field="status", tag="declined"):
    """A refusal, read in the same way."""

    reason: _Reason

    def answer(self) -> Answer:
        return as_refusal(self.reason.code)


read_answer: Final[Callable[[bytes], Offered | Declined]] = reader(cast("Any", Offered | Declined))
read_status: Final[Callable[[bytes], Processing | Offered | Declined]] = reader(
    cast("Any", Processing | Offered | Declined)
)
"""In the JSON that several dialects share: an answer; an answer, or none yet."""
