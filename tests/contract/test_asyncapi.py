"""The AsyncAPI document: its examples are valid, its references lead somewhere, and what readers rely on stays."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema_rs import Draft202012Validator

from app.redis.event_streams import FEED_VERSION as FEED
from cli.asyncapi.asyncapi_document import FEED_VERSION, asyncapi

DOCUMENT: Final = asyncapi()
MESSAGES: Final[dict[str, Any]] = DOCUMENT["components"]["messages"]
AGREED: Final = Path(__file__).with_name("asyncapi.json")
"""What has been published. A change that is no breaking one is written there by `osago schema --of asyncapi`."""
EXAMPLES: Final = [(name, example["payload"]) for name, it in MESSAGES.items() for example in it.get("examples", [])]


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_an_example_is_valid(name: str, example: dict[str, Any]) -> None:
    schema = {**MESSAGES[name]["payload"], "components": DOCUMENT["components"]}
    Draft202012Validator(schema).validate(example)


def test_references_lead_somewhere() -> None:
    for reference in references(DOCUMENT):
        found: Any = DOCUMENT
        for key in reference.removeprefix("#/").split("/"):
            found = found[key]


def test_the_feed_has_the_version_that_is_written() -> None:
    assert str(FEED) == FEED_VERSION


def test_nothing_that_was_published_is_broken() -> None:
    agreed = json.loads(AGREED.read_text(encoding="utf-8"))
    assert list(broken(agreed, DOCUMENT)) == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda it: it["channels"].pop("feed"), "channels/feed is gone"),
        (lambda it: it["components"]["schemas"]["FeedQuote"]["properties"].pop("insurer"), "insurer is gone"),
        (lambda it: it["components"]["schemas"]["FeedQuote"]["required"].remove("status"), "status may be absent"),
        (lambda it: it["components"]["schemas"]["FeedOffer"]["properties"].update(number={"type": "integer"}), "type"),
        (lambda it: it["components"]["schemas"]["FeedQuoteStatus"]["enum"].remove("OFFERED"), "OFFERED is gone"),
        (lambda it: it["components"]["schemas"]["Opening"]["required"].append("after"), "after is required"),
    ],
)
def test_a_breaking_change_is_found(change: Any, found: str) -> None:
    """What readers get keeps its fields, kinds and what is always there; what writers send needs no more than before."""
    changed = asyncapi()
    change(changed)
    (problem,) = broken(DOCUMENT, changed)
    assert found in problem


def test_more_fields_and_values_break_nothing() -> None:
    changed = asyncapi()
    changed["components"]["schemas"]["FeedQuote"]["properties"]["more"] = {"type": "string"}
    changed["components"]["schemas"]["FeedQuoteStatus"]["enum"].append("NEW")
    changed["channels"]["more"] = {"address": "/more"}
    assert list(broken(DOCUMENT, changed)) == []


SENT_BY_CLIENTS: Final = ("ConnectionInit", "Subscribe", "Complete", "Ping", "Pong", "Opening")


def broken(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """What readers or writers of `before` cannot do any more with `after`; texts and examples aside."""
    if isinstance(before, dict):
        for key in before.keys() - {"description", "title", "examples", "info", "servers", "bindings"}:
            if key not in after:
                yield f"{path}/{key} is gone"
            elif key == "required":
                yield from differently_required(set(before[key]), set(after[key]), path)
            elif key == "enum":
                yield from (f"{path}: {name} is gone" for name in before[key] if name not in after[key])
            else:
                yield from broken(before[key], after[key], f"{path}/{key}".removeprefix("/"))
    elif isinstance(before, list):
        yield from (f"{path}: {value} is gone" for value in before if value not in after)
    elif before != after:
        yield f"{path} was {before}, and is {after}"


def differently_required(before: set[str], after: set[str], path: str) -> Iterator[str]:
    if path.rpartition("/")[2] in SENT_BY_CLIENTS:
        yield from (f"{path}: {name} is required" for name in after - before)
    else:
        yield from (f"{path}: {name} may be absent" for name in before - after)


def references(it: Any) -> Iterator[str]:
    if isinstance(it, dict):
        for key, value in it.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(it, list):
        for each in it:
            yield from references(each)
