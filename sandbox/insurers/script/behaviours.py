"""The behaviours that an insurer can be given: values of one union, the same in Python and in the control API.

What each of them does to a call is `sandbox.insurers.wire.behave`'s; the order in which calls get them is `sandbox.insurers.script.script`'s.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Step = Literal["create", "poll"]
AnyStep = Step | Literal["token", "callback"]
"""`token`: a call for an OAuth2 token. `callback`: a call of the insurer's. `any` means neither."""
Times = Annotated[int, Field(ge=1, le=1_000_000)] | Literal["forever"]

SECONDS_MAX: Final = 600
HUGE_BODY_BYTES_MAX: Final = 1024**3
_Seconds = Annotated[float, Field(gt=0, le=SECONDS_MAX)]


class _Behaviour(BaseModel, frozen=True):
    """For which calls it is meant. It is used up after so many `times`; calls of other steps and keys pass it by."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, extra="forbid")

    step: AnyStep | Literal["any"] = Field(
        default="any",
        description="Which calls it is for. `token`: those for an OAuth2 token; `any` means creates and polls.",
    )
    times: Times = Field(default=1, description="After so many calls it is used up.")
    key_prefix: str = Field(
        default="",
        max_length=255,
        description="Only for applications whose idempotency key begins so, e.g. with a request id.",
    )


class Delay(_Behaviour, frozen=True):
    """The answer that would have come, later. Exact seconds: the time scale does not touch them."""

    kind: Literal["delay"] = "delay"
    seconds: _Seconds


class Status(_Behaviour, frozen=True):
    """This status. On create: a 5xx has taken the application in (the caller cannot know), a 4xx has not."""

    kind: Literal["status"] = "status"
    status: int = Field(ge=400, le=599)
    retry_after: Annotated[int, Field(ge=0)] | Annotated[str, Field(pattern=r"^[ -~]{1,64}$")] | None = Field(
        default=None, description="The header `Retry-After`: seconds, a date, or nonsense."
    )
    sent_as: int | None = Field(
        default=None,
        ge=400,
        le=599,
        description="The HTTP status in place of `status`, where the dialect writes errors into bodies: a fault in a 500.",
    )


class Hang(_Behaviour, frozen=True):
    """No answer until the caller goes away."""

    kind: Literal["hang"] = "hang"


class Garbage(_Behaviour, frozen=True):
    """The right status with a body that is no JSON: this text, or else a page for people."""

    kind: Literal["garbage"] = "garbage"
    text: str | None = Field(default=None, max_length=1_000_000)


class WrongShape(_Behaviour, frozen=True):
    """The right status with JSON that is not as agreed: `body`, or else some of our own."""

    kind: Literal["wrong-shape"] = "wrong-shape"
    body: Any = None


class HugeBody(_Behaviour, frozen=True):
    """The answer that would have come, behind so many bytes of white space: still JSON for a client that reads it all."""

    kind: Literal["huge-body"] = "huge-body"
    size_bytes: int = Field(default=16 * 1024 * 1024, ge=1, le=HUGE_BODY_BYTES_MAX)


class BrokenConnection(_Behaviour, frozen=True):
    """The connection is closed: before the answer, or in the middle of it."""

    kind: Literal["broken-connection"] = "broken-connection"
    when: Literal["before", "middle"] = "before"


class SlowBody(_Behaviour, frozen=True):
    """The answer that would have come, its body in drips that take so many seconds altogether."""

    kind: Literal["slow-body"] = "slow-body"
    seconds: _Seconds
    drips: int = Field(default=20, ge=2, le=10_000)


class Offer(_Behaviour, frozen=True):
    """The application is answered with this offer from now on. The texts are sent as they are, sense or nonsense."""

    kind: Literal["offer"] = "offer"
    step: Literal["poll"] = "poll"
    premium: str = Field(max_length=100)
    number: str | None = Field(default=None, description="By default the number that it would have had.")
    valid_until: str | None = None
    purchase_url: str | None = None
    total: str | None = Field(default=None, max_length=100)
    extras: list[dict[str, Any]] = Field(
        default=[], max_length=100, description='Each {"code", "name", "price", "mandatory"}.'
    )
    starts_on: str | None = Field(default=None, max_length=100, description="Another start, e.g. 2026-12-08.")


class WrongField(BaseModel, frozen=True):
    """What can be mended: a path into the body that was sent, and a code such as DATA_NOT_CONFIRMED."""

    model_config = ConfigDict(extra="forbid")

    path: list[str] = Field(max_length=100)
    code: str = Field(max_length=1000)


class Decline(_Behaviour, frozen=True):
    """The application is declined from now on; on create at once, with a 422."""

    kind: Literal["decline"] = "decline"
    step: AnyStep | Literal["any"] = "poll"
    code: str = Field(max_length=1000)
    message: str = Field(default="Отказ по сценарию.", max_length=1000)
    problems: list[WrongField] = Field(default=[], max_length=100)


class Processing(_Behaviour, frozen=True):
    """Still at it, however long ago the answer was there."""

    kind: Literal["processing"] = "processing"
    step: Literal["poll"] = "poll"


class CallBack(_Behaviour, frozen=True):
    """How the insurer calls back about an application. Without it: once, when the answer is ready."""

    kind: Literal["call-back"] = "call-back"
    step: Literal["callback"] = "callback"
    calls: int = Field(default=1, ge=0, le=10, description="How often; 0: never.")
    early: bool = Field(default=False, description="At once, and before the create is answered.")
    signature: Literal["good", "bad", "none"] = "good"
    body: Any = Field(default=None, description="In place of the answer.")


Behaviour = (
    Delay
    | Status
    | Hang
    | Garbage
    | WrongShape
    | HugeBody
    | BrokenConnection
    | SlowBody
    | Offer
    | Decline
    | Processing
    | CallBack
)
