"""The AsyncAPI 3 document: sockets, streams, the feed, the bridge and insurers' calls, with an example of each message."""

from importlib.metadata import version
from typing import Any, Final

from bridge.cloud_event import CONTENT_TYPE, DEFAULT_SOURCE, END_TYPE, QUOTE_TYPE
from cli.asyncapi.event_schemas import component_schemas

Document = dict[str, Any]

FEED_VERSION: Final = "2"
_REQUEST: Final = "019ca2d4-5c1e-7a3b-9f00-3d6f5c2b1a90"
_AT: Final = "2026-11-22T09:30:05.123456Z"
_OFFER: Final[Document] = {"number": "N-1", "premium": "5432.10", "currency": "RUB", "total": "6422.10"}
_QUOTE: Final[Document] = {"insurer": "sever", "status": "OFFERED", "receivedAt": _AT, "offer": _OFFER}
_DECLINED: Final[Document] = {
    "insurer": "volga",
    "status": "DECLINED",
    "receivedAt": _AT,
    "reason": {"code": "INSURER_DECLINED", "insurerCode": "SANDBOX_DECLINED"},
}
_END: Final[Document] = {"outcome": "ALL_ANSWERED", "completedAt": _AT}


def asyncapi() -> Document:
    """The document; one value each time."""
    messages = {**_frames(), **_stream_events(), **_feed_entries(), **_cloud_events(), **_calls()}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "osago-aggregator",
            "version": version("osago-aggregator"),
            "description": "What the aggregator pushes, and what insurers call back. `osago schema` prints the GraphQL API, `--of openapi` the REST face.",
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "api": {
                "host": "127.0.0.1:8000",
                "protocol": "ws",
                "description": "`osago api`; `wss` behind a balancer with TLS.",
            },
            "http": {"host": "127.0.0.1:8000", "protocol": "http"},
            "redis": {"host": "127.0.0.1:6379", "protocol": "redis", "description": "OSAGO_REDIS_URL"},
        },
        "channels": {**_watched(), **_delivered()},
        "operations": _operations(),
        "components": {"messages": messages, "schemas": component_schemas()},
    }


_FROM_CLIENT: Final = ("ConnectionInit", "Subscribe", "Complete", "Ping", "Pong")
_FROM_SERVER: Final = ("ConnectionAck", "Next", "OperationError", "Complete", "Ping", "Pong")
_EVENTS: Final = ("QuoteReceived", "QuotesCompleted")
_ENTRIES: Final = ("FeedQuoteEntry", "FeedEndEntry")


def _watched() -> Document:
    request = {"requestId": {"description": "The id of the quote request, as `createQuoteRequest` returned it."}}
    return {
        "graphql": {
            "address": "/graphql",
            "servers": [{"$ref": "#/servers/api"}],
            "description": "The subprotocol `graphql-transport-ws`. `quotes(requestId, after)` and `customerQuotes(after)` are its subscriptions.",
            "messages": _references(*dict.fromkeys((*_FROM_CLIENT, *_FROM_SERVER))),
            "bindings": {"ws": {"method": "GET"}},
        },
        "quoteStream": {
            "address": "/osago/quotes/{requestId}/stream",
            "servers": [{"$ref": "#/servers/api"}],
            "description": "One JSON document for each event, then closed with 1000; other codes: 4400, 4403, 4404, 1012, 1013.",
            "parameters": request,
            "messages": _references("Opening", *_EVENTS, "Problem"),
            "bindings": {"ws": {"method": "GET"}},
        },
        "quoteEvents": {
            "address": "/osago/quotes/{requestId}/events",
            "servers": [{"$ref": "#/servers/http"}],
            "description": "The same as server-sent events: `id` is the cursor, `event` the type, `Last-Event-ID` resumes.",
            "parameters": request,
            "messages": _references(*_EVENTS, "Problem"),
        },
    }


def _delivered() -> Document:
    return {
        "feed": {
            "address": "{osago-shard}:quote-events",
            "servers": [{"$ref": "#/servers/redis"}],
            "description": "Redis streams, `{osago-00}:quote-events` and so on, for groups of consumers (docs/feed.md). At least once, in order per request.",
            "parameters": {
                "osago-shard": {
                    "description": "From `{osago-00}`, as many as OSAGO_SHARDS says; the braces are part of the key."
                }
            },
            "messages": _references(*_ENTRIES),
        },
        "bridge": {
            "address": None,
            "description": "What `osago bridge` sends: a Kafka topic, a queue of ActiveMQ, a subject of NATS JetStream or a webhook, as bridge.toml names it (docs/bridge.md).",
            "messages": _references("QuoteCloudEvent", "EndCloudEvent"),
        },
        "callbacks": {
            "address": "/callbacks/{token}",
            "servers": [{"$ref": "#/servers/http"}],
            "description": "An insurer's call about one application, for adapters that ask for calls. 204: kept; 403: another's signature; 404: nothing waits; 413: too much.",
            "parameters": {
                "token": {
                    "description": "A secret that names the job; the adapter gives the insurer the whole address."
                }
            },
            "messages": _references("InsurerCall"),
        },
    }


def _operations() -> Document:
    return {
        "receiveFrames": _operation("receive", "graphql", _FROM_CLIENT),
        "sendFrames": _operation("send", "graphql", _FROM_SERVER),
        "receiveOpening": _operation("receive", "quoteStream", ("Opening",)),
        "sendStreamEvents": _operation("send", "quoteStream", (*_EVENTS, "Problem")),
        "sendServerSentEvents": _operation("send", "quoteEvents", (*_EVENTS, "Problem")),
        "sendFeedEntries": _operation("send", "feed", _ENTRIES),
        "sendCloudEvents": _operation("send", "bridge", ("QuoteCloudEvent", "EndCloudEvent")),
        "receiveInsurerCalls": _operation("receive", "callbacks", ("InsurerCall",)),
    }


def _operation(action: str, channel: str, messages: tuple[str, ...]) -> Document:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in messages],
    }


def _references(*names: str) -> Document:
    return {name: {"$ref": f"#/components/messages/{name}"} for name in names}


def _message(title: str, schema: str, *examples: Document) -> Document:
    return {
        "title": title,
        "payload": {"$ref": f"#/components/schemas/{schema}"},
        "examples": [{"payload": example} for example in examples],
    }


def _frames() -> Document:
    query = "subscription ($id: ID!) { quotes(requestId: $id) { __typename } }"
    next_ = {"type": "next", "id": "1", "payload": {"data": {"quotes": {"__typename": "QuoteReceived"}}}}
    error = {"message": "Токен не подходит.", "extensions": {"code": "UNAUTHENTICATED"}}
    return {
        "ConnectionInit": _message(
            "First frame", "ConnectionInit", {"type": "connection_init", "payload": {"token": "eyJ…"}}
        ),
        "ConnectionAck": _message("Accepted", "ConnectionAck", {"type": "connection_ack"}),
        "Ping": _message("Ping", "Ping", {"type": "ping"}),
        "Pong": _message("Pong", "Pong", {"type": "pong"}),
        "Subscribe": _message(
            "Begin an operation",
            "Subscribe",
            {"type": "subscribe", "id": "1", "payload": {"query": query, "variables": {"id": _REQUEST}}},
        ),
        "Next": _message("One event", "Next", next_),
        "OperationError": _message(
            "The operation failed", "OperationError", {"type": "error", "id": "1", "payload": [error]}
        ),
        "Complete": _message("The operation is over", "Complete", {"type": "complete", "id": "1"}),
        "Opening": _message("First frame of the stream", "Opening", {"token": "eyJ…", "after": "hMEB"}),
    }


def _stream_events() -> Document:
    return {
        "QuoteReceived": {
            "title": "An insurer has answered",
            "payload": {"$ref": "#/components/schemas/QuoteReceived"},
        },
        "QuotesCompleted": {
            "title": "The request has ended",
            "payload": {"$ref": "#/components/schemas/QuotesCompleted"},
        },
        "Problem": _message(
            "The stream failed",
            "ProblemDocument",
            {"code": "NOT_FOUND", "title": "Заявка не найдена.", "status": 404},
        ),
    }


def _feed_entries() -> Document:
    def entry(title: str, field: str, schema: str, *examples: Document) -> Document:
        fields = {
            "v": {"const": FEED_VERSION},
            "request": {"type": "string", "format": "uuid"},
            field: {"$ref": f"#/components/schemas/{schema}"},
        }
        mac = {
            "mac": {
                "type": "string",
                "pattern": "^[^:]+:[0-9a-f]{32}$",
                "description": "Shows that the aggregator wrote the entry.",
            }
        }
        return {
            "title": title,
            "payload": {
                "type": "object",
                "description": f"The fields of an entry; `{field}` holds JSON as text.",
                "properties": {**fields, **mac},
                "required": ["v", "request", field],
            },
            "examples": [{"payload": {"v": FEED_VERSION, "request": _REQUEST, field: example}} for example in examples],
        }

    return {
        "FeedQuoteEntry": entry("An insurer has answered", "quote", "FeedQuote", _QUOTE, _DECLINED),
        "FeedEndEntry": entry("The request has ended", "end", "FeedEnding", _END),
    }


def _cloud_events() -> Document:
    """At least once; a repeat has the same id."""

    def event(title: str, type_: str, schema: str, name: str, data: Document) -> Document:
        text = {"type": "string"}
        properties = {
            "specversion": {"const": "1.0"},
            "id": {**text, "description": "`<request>:<insurer>`, or `<request>:end`."},
            "source": {**text, "format": "uri-reference"},
            "type": {"const": type_},
            "subject": {**text, "description": "The id of the quote request."},
            "time": {**text, "format": "date-time"},
            "datacontenttype": {"const": "application/json"},
            "data": {"$ref": f"#/components/schemas/{schema}"},
        }
        example = {
            "specversion": "1.0",
            "id": f"{_REQUEST}:{name}",
            "source": DEFAULT_SOURCE,
            "type": type_,
            "subject": _REQUEST,
            "time": _AT,
            "datacontenttype": "application/json",
            "data": data,
        }
        return {
            "title": title,
            "contentType": CONTENT_TYPE,
            "payload": {"type": "object", "properties": properties, "required": list(properties)},
            "examples": [{"payload": example}],
        }

    return {
        "QuoteCloudEvent": event("An insurer has answered", QUOTE_TYPE, "FeedQuote", "sever", _QUOTE),
        "EndCloudEvent": event("The request has ended", END_TYPE, "FeedEnding", "end", _END),
    }


def _calls() -> Document:
    return {
        "InsurerCall": {
            "title": "An insurer's call",
            "contentType": "application/octet-stream",
            "payload": {"description": "At most 8 KiB, in the insurer's own form: its adapter reads it."},
        }
    }
