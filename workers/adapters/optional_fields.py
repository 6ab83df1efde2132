"""Fields of an answer that it may leave out: each is read by itself, so that one that cannot be read costs itself alone."""

import functools
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final, TypeVar, cast, get_origin

import msgspec

from app.domain.offers.coefficients import Coefficients
from app.domain.offers.extras import EXTRAS_MAX, Extra
from app.domain.offers.refusals import PROBLEMS_MAX, MendableProblem

Shape = TypeVar("Shape")

NOT_JSON: Final = (msgspec.MsgspecError, ValueError, RecursionError)
"""Raised by reading JSON or converting a value: ValueError for half a surrogate pair and for dates out of range."""
_LITERAL: Final = (date, datetime)
"""Converted strictly: msgspec would read a number, also as a text, as Unix seconds."""


class _Problem(msgspec.Struct):
    path: tuple[str | int, ...]
    code: str


def optional(value: object, shape: type[Shape]) -> Shape | None:
    """An optional field in this shape: a value of it, JSON as `msgspec.Raw`, or texts; None where it cannot be read."""
    if value is None or isinstance(value, get_origin(shape) or shape):
        return cast("Shape | None", value)
    try:
        if isinstance(value, msgspec.Raw):
            return _decoder(shape).decode(value) if value else None
        return msgspec.convert(value, shape, strict=shape in _LITERAL)
    except NOT_JSON:
        return None


def read_coefficients(value: object) -> Coefficients | None:
    """Those of the premium, without those of each driver where these cannot be read. Of a mapping, names may be those of the attributes."""
    value = camel(value) if isinstance(value, dict) else value
    found = optional(value, Coefficients)
    if found is not None or value is None:
        return found
    fields: Mapping[str, object] | None = optional(value, dict[str, Any])
    return optional({**fields, "drivers": None}, Coefficients) if fields else None


def read_extras(value: object) -> tuple[Extra, ...]:
    """All of them, or none where one cannot be read."""
    if isinstance(value, tuple):
        return cast("tuple[Extra, ...]", value)
    found = optional(value, list[Any])
    if not found or len(found) > EXTRAS_MAX:
        return ()
    read = [optional(one, Extra) for one in found]
    return () if None in read else cast("tuple[Extra, ...]", tuple(read))


def read_problems(value: object) -> tuple[MendableProblem, ...]:
    """The problems that can be read; a part of a path may be a number."""
    if isinstance(value, tuple):
        return cast("tuple[MendableProblem, ...]", value)
    found = (optional(one, _Problem) for one in (optional(value, list[Any]) or ())[:PROBLEMS_MAX])
    return tuple(MendableProblem(tuple(map(str, one.path)), one.code) for one in found if one)


def camel(value: Any) -> Any:
    """Names in camelCase; what is None is left out."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return {_camel_name(str(name)): camel(part) for name, part in fields.items() if part is not None}
    return [camel(part) for part in cast("list[Any]", value)] if isinstance(value, list | tuple) else value


@functools.lru_cache(16)
def _decoder(shape: type[Shape]) -> "msgspec.json.Decoder[Shape | None]":
    return msgspec.json.Decoder(cast("Any", shape | None))


@functools.lru_cache(256)
def _camel_name(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)
