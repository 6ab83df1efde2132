"""What core-app answers: the shapes of its JSON, and problems as RFC 9457 has them."""

import math
from typing import Any, Final

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

PROBLEM: Final = "application/problem+json"


class _Shape(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)


class Insurer(_Shape):
    """One that is asked."""

    id: str
    name: str


class Insurers(_Shape):
    """All that are asked about an application: the recipients of what the customer writes in it."""

    insurers: list[Insurer]


class FieldProblem(_Shape):
    """What is wrong with one field, or unusual in it."""

    path: list[str] = Field(examples=[["application", "vehicle", "vin"]])
    code: str = Field(examples=["VIN_INVALID"])
    message: str


class Accepted(_Shape):
    """The application is on its way; offers come by the watch token, or from `events`."""

    number: str = Field(description="The application's number.", examples=["7K3M-94QT-XW2P"])
    request_id: str
    watch_token: str = Field(description="Lets the browser watch this one request at the aggregator.")
    expires_at: str = Field(description="No offer is waited for after this moment.")
    remaining_seconds: float
    insurers: list[Insurer]
    warnings: list[FieldProblem] = Field(description="What may be a typing error; nothing was refused for it.")
    events: str = Field(description="The same events from here, as server-sent ones.")


class Problem(_Shape):
    """RFC 9457, with what our page needs beside it."""

    type: str = "about:blank"
    title: str
    status: int
    number: str | None = Field(default=None, description="The number that a repetition will have too.")
    retry_after_seconds: float | None = None
    problems: list[FieldProblem] | None = Field(default=None, description="Fields to mend, all of them at once.")


def problem(status: int, title: str, *, retry_after_s: float | None = None, **more: Any) -> JSONResponse:
    """A problem, with `Retry-After` where the same request is welcome later; both waits are rounded up, never to 0."""
    headers = None
    if retry_after_s is not None:
        headers = {"Retry-After": str(math.ceil(retry_after_s))}
        more["retry_after_seconds"] = math.ceil(retry_after_s * 10) / 10
    shape = Problem(title=title, status=status, **more)
    content = shape.model_dump(by_alias=True, exclude_none=True)
    return JSONResponse(content, status, headers=headers, media_type=PROBLEM)
