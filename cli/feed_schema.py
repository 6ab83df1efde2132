"""The fields of an offer in the feed's JSON Schema: `python -m cli.feed_schema` brings them to the code's (`make docs`).

What is there stays as it is written; a field that is new gets the schema of its kind, one that is gone goes.
"""

import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType, NoneType
from typing import Any, Final, get_args

import msgspec

from app.codecs.quote_codec import OfferEvent

DOCUMENT: Final = Path("docs/feed.schema.json")
LINKS: Final = frozenset({"purchaseUrl", "sealedUrl"})
"""The customer's alone: they are not in the feed."""
_SCHEMAS: Final[Mapping[Any, Mapping[str, str]]] = MappingProxyType(
    {
        str: {"type": "string"},
        int: {"type": "integer"},
        bool: {"type": "boolean"},
        Decimal: {"$ref": "#/$defs/Decimal"},
        date: {"type": "string", "format": "date"},
        datetime: {"type": "string", "format": "date-time"},
    }
)


def renewed_feed(text: str) -> str:
    """The schema with the fields of an offer as the code has them."""
    schema: dict[str, Any] = json.loads(text)
    offer: dict[str, Any] = schema["$defs"]["Offer"]
    fields = [field for field in msgspec.structs.fields(OfferEvent) if field.encode_name not in LINKS]
    known: Mapping[str, Any] = offer["properties"]
    offer["properties"] = {
        field.encode_name: known.get(field.encode_name) or dict(_SCHEMAS[_kind(field.type)]) for field in fields
    }
    offer["required"] = [field.encode_name for field in fields if field.required]
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


def _kind(type_: Any) -> Any:
    """The kind of a field that may be left out."""
    return next((kind for kind in get_args(type_) if kind is not NoneType), type_)


if __name__ == "__main__":
    DOCUMENT.write_text(renewed_feed(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
