"""`Accept`, by quality and order: which of the two media types of GraphQL over HTTP an answer gets, and as what it may last.

It is read before any token, so what it may cost is bounded: an `Accept` beyond the limits says no more than `*/*` does.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from app.api.http.stream_formats import (
    EVENT_STREAM,
    MULTIPART,
    SUBSCRIPTION_SPEC,
    GraphQLEvents,
    MultipartParts,
    StreamFormat,
)

EVENTS: Final = GraphQLEvents()
PARTS: Final = MultipartParts()
MODERN: Final = "application/graphql-response+json"
LEGACY: Final = "application/json"
ACCEPT_LENGTH_MAX: Final = 256
RANGES_MAX: Final = 16
# The more precise a range, the less of it: `application/json` says more than `application/*`.
_RANGES: Final = {
    MODERN: (MODERN, "application/*", "*/*"),
    LEGACY: (LEGACY, "application/*", "*/*"),
}


def negotiated(accept: str | None) -> str | None:
    """The media type of the answer; None if the caller takes neither.

    A caller without `Accept`, or with `*/*`, gets the legacy type, as the specification has it for old clients.
    Of two with one quality the one that is named first wins, and one that is named wins over a wildcard.
    """
    if accept is None or len(accept) > ACCEPT_LENGTH_MAX:
        return LEGACY
    return _negotiated(accept)


@lru_cache(maxsize=128)
def _negotiated(accept: str) -> str | None:
    """The negotiated type of a text that is short enough to be kept."""
    if not accept.strip() or accept.count(",") >= RANGES_MAX:
        return LEGACY
    ranges = list(_ranges(accept))
    found = [
        (quality, exact, -place, type_) for type_ in (MODERN, LEGACY) for quality, exact, place in _of(type_, ranges)
    ]
    acceptable = [one for one in found if one[0] > 0]
    if not acceptable:
        return None
    *_, best = max(acceptable, key=lambda one: (one[0], one[1], one[2], one[3] == LEGACY))
    return best


def stream_format(accept: str | None) -> StreamFormat | None:
    """How an answer may last; None if the caller names no such type. Of two the one that is named first wins."""
    if accept is None or len(accept) > ACCEPT_LENGTH_MAX:
        return None
    return _stream_format(accept)


@lru_cache(maxsize=128)
def _stream_format(accept: str) -> StreamFormat | None:
    if accept.count(",") >= RANGES_MAX:
        return None
    for part in accept.split(","):
        range_, *parameters = (piece.strip().lower() for piece in part.split(";"))
        named: dict[str, str] = {}
        for parameter in parameters:
            name, _, value = parameter.replace(" ", "").partition("=")
            named[name] = value.strip('"')
        if _quality(named.get("q", "1")) == 0:
            continue
        if range_ == EVENT_STREAM:
            return EVENTS
        if range_ == MULTIPART and named.get("subscriptionspec") == SUBSCRIPTION_SPEC:
            return PARTS
    return None


def _of(type_: str, ranges: list[tuple[str, float]]) -> Iterator[tuple[float, bool, int]]:
    """By the most precise range that holds this type: its quality, whether it names the type, and its place."""
    for wanted in _RANGES[type_]:
        for place, (range_, quality) in enumerate(ranges):
            if range_ == wanted:
                yield quality, wanted == type_, place
                return


def _ranges(accept: str) -> Iterator[tuple[str, float]]:
    for part in accept.split(","):
        range_, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        yield range_, _quality(quality)


def _quality(text: str) -> float:
    """0 … 1; what is none counts for nothing."""
    try:
        quality = float(text)
    except ValueError:
        return 0.0
    return quality if 0 <= quality <= 1 else 0.0
