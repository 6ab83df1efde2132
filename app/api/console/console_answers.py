"""JSON as the console answers it: kept by no cache, read by no other origin."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from app.api.encoding import encode


def as_json(document: object, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return json_text(encode(document), headers)


def json_text(text: bytes, headers: Mapping[str, str] | None = None) -> Response:
    """The same of JSON that is written already."""
    kept: dict[str, Any] = {"Cache-Control": "no-store", **(headers or {})}
    return Response(text, headers=kept, media_type="application/json")
