"""Schemas of the messages: those of the feed from its JSON Schema, those of streams from the GraphQL schema, frames as the protocol has them."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

from app.api.rest.json_schema import schemas_of

Schema = dict[str, Any]

_PACKAGED: Final = Path(__file__).parents[2] / "app/codecs/feed.schema.json"
FEED_SCHEMA: Final = _PACKAGED if _PACKAGED.is_file() else Path(__file__).parents[2] / "docs/feed.schema.json"
FEED_PREFIX: Final = "Feed"
"""Before the names of the feed's schemas: GraphQL has types of the same names with other fields."""
EVENTS: Final = ("QuoteReceived", "QuotesCompleted")


def component_schemas() -> dict[str, Schema]:
    """Every schema by its name; they are the caller's to change."""
    published = FEED_SCHEMA.read_text(encoding="utf-8").replace("#/$defs/", f"#/components/schemas/{FEED_PREFIX}")
    feed = {f"{FEED_PREFIX}{name}": schema for name, schema in json.loads(published)["$defs"].items()}
    streams = {name: _typed(name, schema) for name, schema in schemas_of(*EVENTS).items()}
    return dict(sorted({**feed, **streams, **deepcopy(_FRAMES)}.items()))


def _typed(name: str, schema: Schema) -> Schema:
    """Events of streams without GraphQL name their type in a field."""
    if name not in EVENTS:
        return schema
    return {
        **schema,
        "properties": {"type": {"const": name}, **schema["properties"]},
        "required": ["type", *schema["required"]],
    }


def _frame(type_: str, about: str, *, required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    fields = {"type": {"const": type_}, **properties}
    return {"type": "object", "description": about, "properties": fields, "required": ["type", *required]}


_ID: Final[Schema] = {
    "type": "string",
    "minLength": 1,
    "maxLength": 128,
    "description": "Of the operation, chosen by the client.",
}
_PAYLOAD: Final[Schema] = {"type": "object"}
_FRAMES: Final[dict[str, Schema]] = {
    "ConnectionInit": _frame(
        "connection_init",
        "Comes first, within five seconds.",
        payload={
            "type": "object",
            "properties": {"token": {"type": "string", "description": "A watch token, a customer's or a service's."}},
        },
    ),
    "ConnectionAck": _frame("connection_ack", "The token is good."),
    "Ping": _frame("ping", "From either side; the other answers with a pong.", payload=_PAYLOAD),
    "Pong": _frame("pong", "Answers a ping.", payload=_PAYLOAD),
    "Subscribe": _frame(
        "subscribe",
        "Begins an operation.",
        required=("id", "payload"),
        id=_ID,
        payload={
            "type": "object",
            "properties": {
                "query": {"type": "string"},
                "operationName": {"type": ["string", "null"]},
                "variables": {"type": ["object", "null"]},
                "extensions": {"type": ["object", "null"]},
            },
        },
    ),
    "Next": _frame(
        "next",
        "One event, with the fields that the operation selects.",
        required=("id", "payload"),
        id=_ID,
        payload={"type": "object", "properties": {"data": {"type": ["object", "null"]}, "errors": {"type": "array"}}},
    ),
    "OperationError": _frame(
        "error",
        "Ends an operation: a GraphQL error each, its code in `extensions.code`.",
        required=("id", "payload"),
        id=_ID,
        payload={"type": "array", "minItems": 1, "items": {"type": "object", "required": ["message"]}},
    ),
    "Complete": _frame("complete", "Ends an operation, from either side.", required=("id",), id=_ID),
    "Opening": {
        "type": "object",
        "description": "The first frame of a client that cannot send an Authorization header.",
        "properties": {
            "token": {"type": "string"},
            "after": {"type": ["string", "null"], "description": "The cursor to resume after."},
        },
        "required": ["token"],
    },
    "ProblemDocument": {
        "type": "object",
        "description": "As application/problem+json has it (RFC 9457).",
        "properties": {"code": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"}},
        "required": ["code", "title", "status"],
    },
}
