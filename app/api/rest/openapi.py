"""The REST face as OpenAPI 3.1: what is sent and answered is the GraphQL schema's, so only the paths stand here."""

from functools import cache
from typing import Any, Final

from app.api.http.request_head import BODY_BYTES_MAX
from app.api.rest import examples
from app.api.rest.json_schema import reference, schemas_of
from app.api.rest.problem_details import MEDIA_TYPE, STATUSES

_TITLE: Final = "osago-aggregator"
_ABOUT: Final = f"""\
Asks every OSAGO insurer for a quote and pushes each answer as it arrives. The same as GraphQL at `/graphql`, over plain HTTP:
the same tokens, the same documents, the same codes. Bodies are at most {BODY_BYTES_MAX // 1024} KiB.

Without event streams the same events come over a WebSocket at `/osago/quotes/{{requestId}}/stream`: with `Authorization`, or with
`{{"token": "…", "after": "…"}}` as the first frame, which a browser can send. One text frame per event; 1000 after the last."""
_ID: Final[dict[str, Any]] = {
    "name": "requestId",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "format": "uuid"},
    "example": examples.REQUEST_ID,
}
_LAST: Final[dict[str, Any]] = {
    "name": "Last-Event-ID",
    "in": "header",
    "description": "The `id` of the last event seen: the stream goes on from there.",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"},
}
_TICKET: Final[dict[str, Any]] = {
    "name": "ticket",
    "in": "query",
    "description": "In place of `Authorization`, where a client cannot send it.",
    "schema": {"type": "string"},
}
_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "RFC 9457. `code` is for programs, `title` for people.",
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "enum": list(STATUSES)},
        "problems": {"type": "array", "items": reference("Problem"), "description": "Of INVALID_APPLICATION."},
        "retryAfterSeconds": {"type": "number", "description": "Also in `Retry-After`."},
        "requestId": {"type": "string", "description": "Of INTERNAL: it leads to the line in the log."},
    },
    "required": ["type", "title", "status", "code"],
}
_WHY: Final = {
    400: "The request is not of the right form, or `Last-Event-ID` is no cursor of this request.",
    401: "No token, or none that holds.",
    403: "A good token without this right.",
    404: "There is no such request, or none that the caller may see.",
    413: "The body is too large.",
    415: "The body is not `application/json`.",
    422: "The application cannot be sent to insurers: `problems` lists everything that is wrong.",
    429: "Too many requests: the same one is welcome after `Retry-After` seconds.",
    500: "A fault of ours.",
    503: "A part of ours is down, or overloaded: the same call is welcome after `Retry-After` seconds.",
}


@cache
def openapi() -> dict[str, Any]:
    """The document. Its dates are of the day on which the process began."""
    parts = schemas_of("CreateQuoteRequestInput", "QuoteRequestAccepted", "QuoteReceived", "QuotesCompleted", "Problem")
    for name in ("QuoteReceived", "QuotesCompleted"):
        parts[name]["properties"]["type"] = {"const": name}
        parts[name]["required"].append("type")
    return {
        "openapi": "3.1.0",
        "info": {"title": _TITLE, "version": "1", "description": _ABOUT},
        "security": [{"bearer": []}],
        "paths": {
            "/osago/quotes": {"post": _create()},
            "/osago/quotes/{requestId}": {"parameters": [_ID], "get": _read()},
            "/osago/quotes/{requestId}/events": {"parameters": [_ID], "get": _events()},
            "/osago/tickets": {"post": _ticket()},
        },
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            "schemas": {**parts, "ProblemDetails": _PROBLEM},
        },
    }


def _create() -> dict[str, Any]:
    accepted = _json("QuoteRequestAccepted", {"accepted": {"value": examples.accepted()}})
    location = {"description": "Of the request.", "schema": {"type": "string"}}
    new_request = _json("CreateQuoteRequestInput", {"a car": {"value": examples.new_request()}})
    return {
        "operationId": "createQuoteRequest",
        "summary": "Ask for quotes",
        "description": "Answers when the request is committed; a repeated `clientReference` returns the first one.",
        "requestBody": {"required": True, "content": new_request},
        "responses": {
            "202": {"description": "Stored, and being asked.", "headers": {"Location": location}, "content": accepted},
            **_problems(400, 401, 403, 413, 415, 422, 429, 500, 503),
        },
    }


def _read() -> dict[str, Any]:
    now = _json("QuoteRequest", {"after two answers": {"value": examples.request()}})
    return {
        "operationId": "getQuoteRequest",
        "summary": "What is known of a request now",
        "responses": {"200": {"description": "It.", "content": now}, **_problems(401, 404, 500, 503)},
    }


def _events() -> dict[str, Any]:
    document = {"oneOf": [reference("QuoteReceived"), reference("QuotesCompleted")]}
    event = {
        "type": "object",
        "description": "One event of the stream.",
        "properties": {
            "event": {"type": "string", "enum": ["QuoteReceived", "QuotesCompleted", "problem"]},
            "id": {"type": "string", "description": "The cursor."},
            "data": {"type": "string", "contentMediaType": "application/json", "contentSchema": document},
        },
        "required": ["event", "data"],
    }
    stream = {"schema": event, "example": examples.EVENTS}
    return {
        "operationId": "watchQuoteRequest",
        "summary": "Every answer as it arrives, then the end",
        "description": "Each event has the name of its type; its `id` is the cursor, its `data` the document. A line `:` "
        "is sent while there is no event. An event `problem` says why a stream breaks off: come back.",
        "parameters": [_LAST, _TICKET],
        "responses": {
            "200": {"description": "The stream.", "content": {"text/event-stream": stream}},
            "204": {"description": "`Last-Event-ID` is that of the end: there is no more to come."},
            **_problems(400, 401, 404, 500, 503),
        },
    }


def _ticket() -> dict[str, Any]:
    properties = {"ticket": {"type": "string"}, "expiresInSeconds": {"type": "number"}}
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {
        "operationId": "createTicket",
        "summary": "A ticket for a browser's EventSource",
        "description": "With a watch token. It opens one stream of its request, once, within half a minute; the stream's own cookie "
        "opens it again until `expiresAt`.",
        "responses": {
            "201": {
                "description": "It.",
                "content": {"application/json": {"schema": schema, "example": examples.TICKET}},
            },
            **_problems(401, 403, 404, 429, 500, 503),
        },
    }


def _json(name: str, shown: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": reference(name), "examples": shown}}


def _problems(*statuses: int) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": reference("ProblemDetails")}}
    return {str(status): {"description": _WHY[status], "content": content} for status in statuses}
