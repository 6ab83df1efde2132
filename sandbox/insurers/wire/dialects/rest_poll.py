"""`rest-poll`: create, then poll; the bodies are those that most dialects here share."""

from http import HTTPStatus
from typing import Any, ClassVar, Final

import msgspec

from app.domain.offers.coefficients import Coefficients
from sandbox.insurers.model.handle import Desk
from sandbox.insurers.model.http_call import Call
from sandbox.insurers.model.outcome import Refusal
from sandbox.insurers.model.priced_application import read_application
from sandbox.insurers.model.replies import Offered, Reply, Said, encode
from sandbox.insurers.wire.dialects.dialect import Create, Dialect, Poll


class _Offer(msgspec.Struct, rename="camel", omit_defaults=True):
    number: str
    premium: str
    currency: str
    coefficients: Coefficients | None
    valid_until: str | None
    purchase_url: str | None
    total: str | None = None
    extras: tuple[dict[str, Any], ...] = ()
    starts_on: str | None = None
    territory_assumed: bool = False


_PROCESSING: Final = encode({"status": "processing"})


class RestPoll(Dialect):
    """`POST /applications`, `GET /applications/{application}`."""

    paths: ClassVar = (("POST", "/applications"), ("GET", "/applications/{application}"))

    def read(self, call: Call, body: bytes, desk: Desk) -> Create | Poll | Reply:
        if call.method == "GET":
            return Poll(call.path("application"))
        return Create(key=call.header(b"idempotency-key"), read=lambda: read_application(body))

    def created(self, application_id: str) -> Reply:
        return Reply(HTTPStatus.ACCEPTED, encode({"applicationId": application_id}))

    def said(self, said: Said | None) -> Reply:
        return Reply(HTTPStatus.OK, _PROCESSING if said is None else encode(as_json(said)))

    def refused(self, refusal: Refusal) -> Reply:
        return Reply(HTTPStatus.UNPROCESSABLE_ENTITY, encode(as_json(refusal)))

    def error(self, status: int, code: str, retry_after: str | None = None) -> Reply:
        return Reply(status, encode({"error": code}), retry_after)


def as_json(said: Said) -> dict[str, Any]:
    """An answer as `rest-poll` has it, camelCase; what is not known is null."""
    match said:
        case Offered():
            return {"status": "offered", "offer": msgspec.convert(said, _Offer, from_attributes=True)}
        case Refusal():
            reason: dict[str, Any] = {"code": said.code, "message": said.message}
            if said.problems:
                reason["problems"] = said.problems
            return {"status": "declined", "reason": reason}
