"""Common code of adapters: the application as it goes onto a wire, and strict reading of the answers.

An unintelligible value is `InsurerProtocol`; its text names the place and holds nothing that the insurer wrote.
"""

import json
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Literal, TypeVar, cast

import msgspec

from app.domain.application import Application
from app.domain.errors import InsurerProtocol
from app.domain.money import Money
from app.domain.offers.offer_bounds import plain_code
from app.domain.offers.refusals import refusal_problems
from app.domain.quote import Answer, NoOffer, Offer, declined
from workers.adapters.adapter import Created
from workers.adapters.optional_fields import NOT_JSON, camel, optional, read_coefficients, read_extras, read_problems
from workers.adapters.transport.insurer_http import Reply

Shape = TypeVar("Shape")

NOT_READ: Final = msgspec.Raw()
"""The default of an optional field that is kept as it came, for `as_offer` to read."""

MAY_REFUSE: Final = frozenset({500})
"""Statuses besides 4xx with bodies that may hold a refusal, in the JSON that was agreed."""
_REFUSED: Final = 422
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_PAIR: Final = rb"\\u[dD][89abAB]..\\u[dD][c-fC-F].."
_HALVES: Final = re.compile(
    rb"((?:[^\\]++|\\[^u]|\\u(?![dD][89a-fA-F])|" + _PAIR + rb")++)|\\u[dD][89a-fA-F]..", re.DOTALL
)
"""Everything up to half a surrogate pair in one piece, so that no other escape costs a call."""
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
        except NOT_JSON as error:
            raise InsurerProtocol(f"not the JSON that was agreed ({type(error).__name__})") from None
        return found

    return read


def _as_json(body: bytes) -> bytes:
    """The body without a byte order mark, and NUL for each half of a surrogate pair: that field alone cannot be read then."""
    body = body.removeprefix(_BYTE_ORDER_MARK)
    if b"\\ud" not in body and b"\\uD" not in body:
        return body
    return _HALVES.sub(lambda found: found[1] or _UNPRINTABLE, body)


class _TwiceError(ValueError):
    """Which of two values is meant cannot be known: of two premiums the last one would be taken."""


def _check_names(body: bytes) -> None:
    """Raises `_TwiceError`. Costs 1 µs for "processing" and 8 µs for an offer; what may have two names is read once more."""
    names = _KEY.findall(body)
    if len(set(names)) < len(names) or b"\\" in body:
        # Bytes that are no UTF-8 cost the field that they stand in, where it is read.
        json.loads(body.decode(errors="surrogateescape"), object_pairs_hook=_once_each, parse_int=str, parse_float=str)


def _once_each(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        raise _TwiceError


def as_wire(application: Application) -> dict[str, Any]:
    """The application in camelCase, as in `ApplicationInput` without the consent; what is not known is left out."""
    wire = camel(msgspec.to_builtins(application, builtin_types=(Decimal,)))
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
    total: object = None,
    extras: object = None,
    starts_on: object = None,
    valid_until: object = None,
    purchase_url: object = None,
) -> Offer:
    """An offer within the bounds of `app.domain.quote.Offer`.

    From `coefficients` on they may be values, or what came: JSON as `msgspec.Raw`, texts, lists and mappings of texts otherwise. What
    cannot be read, or is out of bounds, is left out; the offer stays. `total` left out is the premium and every mandatory extra.

    Raises:
        InsurerProtocol: number, premium or currency cannot be those of an offer, or the total is less than its parts.
    """
    return Offer(
        number=number,
        premium=Money(premium, currency),
        coefficients=read_coefficients(coefficients),
        stated_total=optional(total, Decimal),
        extras=read_extras(extras),
        starts_on=optional(starts_on, date),
        valid_until=optional(valid_until, datetime),
        purchase_url=optional(purchase_url, str),
    )


def as_refusal(code: str | None, problems: object = None) -> NoOffer:
    """A refusal, with the insurer's own code if it is one: free text may echo personal data.

    `problems` name what the customer can mend, each with a path into the application as it was sent, and a code; they are read as the
    optional fields of `as_offer` are. A code DATA_NOT_CONFIRMED, DOCUMENTS_WANTED or POLICY_EXISTS is the reason's.
    """
    return declined(plain_code(code), refusal_problems(read_problems(problems)))


def refusal_in(body: bytes) -> NoOffer:
    """The refusal of a 422, with any body; its code is a bonus."""
    try:
        refusal = msgspec.json.decode(_as_json(body))
        reason = refusal.get("reason", refusal)
        code, problems = reason.get("code"), reason.get("problems") or refusal.get("problems")
    except (*NOT_JSON, AttributeError):
        return declined()
    return as_refusal(code if isinstance(code, str) else None, problems)


def refused(reply: Reply) -> NoOffer | None:
    """The refusal in a reply of a REST dialect: any 422, and a 500 with a refusal as its body; None if it is no refusal."""
    if reply.status == _REFUSED:
        return refusal_in(reply.body)
    if reply.status in MAY_REFUSE:
        try:
            said = read_status(reply.body)
        except InsurerProtocol:
            return None
        return said.answer() if isinstance(said, Declined) else None
    return None


class _Offer(msgspec.Struct, rename="camel"):
    number: str
    premium: Decimal
    currency: Literal["RUB"]
    coefficients: msgspec.Raw = NOT_READ
    total: msgspec.Raw = NOT_READ
    extras: msgspec.Raw = NOT_READ
    starts_on: msgspec.Raw = NOT_READ
    valid_until: msgspec.Raw = NOT_READ
    purchase_url: msgspec.Raw = NOT_READ


class _Reason(msgspec.Struct):
    code: str
    problems: msgspec.Raw = NOT_READ


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
    problems: msgspec.Raw = NOT_READ
    """Beside the reason, or in it."""

    def answer(self) -> NoOffer:
        return as_refusal(self.reason.code, self.reason.problems or self.problems)


read_answer: Final[Callable[[bytes], Offered | Declined]] = reader(cast("Any", Offered | Declined))
read_status: Final[Callable[[bytes], Processing | Offered | Declined]] = reader(
    cast("Any", Processing | Offered | Declined)
)
"""In the JSON that several dialects share: an answer; an answer, or none yet."""
