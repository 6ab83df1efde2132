"""`callback`: the application comes with an address of the caller's, and the answer goes there, signed."""

import hashlib
import hmac
from http import HTTPStatus
from typing import ClassVar, Final

import msgspec

from sandbox.insurers.model.handle import Desk
from sandbox.insurers.model.http_call import Call
from sandbox.insurers.model.priced_application import read_application
from sandbox.insurers.model.replies import Reply, Said, encode
from sandbox.insurers.wire.dialects.dialect import Create, Poll
from sandbox.insurers.wire.dialects.rest_poll import RestPoll, as_json

SECRET: Final = "sandbox"  # noqa: S105 - not a secret outside of the sandbox
"""What every insurer here signs with."""


class _Request(msgspec.Struct, rename="camel"):
    application: msgspec.Raw
    callback_url: str


_decode: Final = msgspec.json.Decoder(_Request).decode


class Callback(RestPoll):
    """`POST /requests`, `GET /requests/{application}`, and a POST to the caller's address."""

    paths: ClassVar = (("POST", "/requests"), ("GET", "/requests/{application}"))

    options: ClassVar = {"callback_secret": SECRET}

    def read(self, call: Call, body: bytes, desk: Desk) -> Create | Poll | Reply:
        if call.method == "GET":
            return Poll(call.path("application"))
        try:
            request = _decode(body)
        except msgspec.MsgspecError as error:
            return self.error(HTTPStatus.BAD_REQUEST, str(error))
        return Create(
            key=call.header(b"idempotency-key"),
            read=lambda: read_application(bytes(request.application)),
            callback_url=request.callback_url,
        )

    def callback(self, key: str, application_id: str, said: Said) -> bytes:
        return encode({"idempotencyKey": key, "applicationId": application_id, **as_json(said)})


def signature(body: bytes) -> str:
    """The value of `X-Signature`."""
    return "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
