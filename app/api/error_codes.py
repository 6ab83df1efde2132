"""The meaning of each `extensions.code` to a caller, and the remedy: the source of the table in the documents."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Meaning:
    """A row of the table."""

    what: str
    remedy: str


BAD_REQUEST: Final = "BAD_REQUEST"
INTERNAL: Final = "INTERNAL"

MEANINGS: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "UNAUTHENTICATED": Meaning("no token, or none that holds", "get a new one"),
        "FORBIDDEN": Meaning("a good token without this right", "use a service token with the scope"),
        "NOT_FOUND": Meaning("there is no such request, or none that the caller may see", "check the id and the token"),
        BAD_REQUEST: Meaning("the document, its variables or the HTTP request are wrong", "mend the program"),
        "TOO_COMPLEX": Meaning("the document costs more than one may, see [limits](#limits)", "ask for less at once"),
        "PERSISTED_QUERY_NOT_FOUND": Meaning(
            "only an id was sent, and no trusted document has it", "send the document itself"
        ),
        "UNTRUSTED_DOCUMENT": Meaning("only trusted documents are run here", "have the document added to them"),
        "INVALID_CURSOR": Meaning("`after` is no cursor of this request", "subscribe without it"),
        "OVERLOADED": Meaning("too much at once, here or of this caller", "repeat after `retryAfterSeconds`"),
        "REQUEST_LOST": Meaning(
            "the request was acknowledged, and lost with a database", "ask again with the same `clientReference`"
        ),
        "SLOW_CONSUMER": Meaning("the socket takes nothing any more", "subscribe anew with the `cursor` as `after`"),
        "UNAVAILABLE": Meaning(
            "a part of ours is down",
            "repeat after `retryAfterSeconds`; in a subscription with the `cursor` as `after`",
        ),
        INTERNAL: Meaning("a fault of ours", "report the `requestId`: it leads to the line in the log"),
    }
)
