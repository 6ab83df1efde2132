"""`business-200`: every reply has HTTP status 200; errors stand in the body."""

from http import HTTPStatus
from typing import Any, ClassVar, Final

import msgspec

from sandbox.insurers.model.handle import Desk
from sandbox.insurers.model.http_call import Call
from sandbox.insurers.model.priced_application import read_application
from sandbox.insurers.model.replies import Reply, Said, encode
from sandbox.insurers.wire.dialects.dialect import Create, Dialect, Poll
from sandbox.insurers.wire.dialects.rest_poll import as_json

_CODES: Final = {
    400: "BAD_REQUEST",
    401: "ACCESS_DENIED",
    403: "ACCESS_DENIED",
    404: "NOT_FOUND",
    408: "TRY_AGAIN",
    425: "TRY_AGAIN",
    429: "TOO_MANY_REQUESTS",
}


class _Create(msgspec.Struct, rename="camel"):
    request_id: str
    application: msgspec.Raw


class _Poll(msgspec.Struct, rename="camel"):
    application_id: str


class Business200(Dialect):
    """`POST /rpc/create`, `POST /rpc/status`."""

    paths: ClassVar = (("POST", "/rpc/create"), ("POST", "/rpc/status"))
    errors_in_bodies: ClassVar = True

    def read(self, call: Call, body: bytes, desk: Desk) -> Create | Poll | Reply:
        try:
            if call.route.endswith("/status"):
                return Poll(msgspec.json.decode(body, type=_Poll).application_id)
            request = msgspec.json.decode(body, type=_Create)
        except msgspec.MsgspecError as error:
            return self.error(HTTPStatus.BAD_REQUEST, str(error))
        return Create(key=request.request_id, read=lambda: read_application(bytes(request.application)))

    def created(self, application_id: str) -> Reply:
        return _reply({"status": "accepted", "applicationId": application_id})

    def said(self, said: Said | None) -> Reply:
        return _reply({"status": "processing"} if said is None else as_json(said))

    def error(self, status: int, code: str, retry_after: str | None = None) -> Reply:
        default = "INTERNAL" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "BAD_REQUEST"
        error: dict[str, Any] = {"code": _CODES.get(status, default), "message": code}
        if retry_after is not None:
            error["retryAfter"] = retry_after
        return _reply({"status": "error", "error": error})


def _reply(data: dict[str, Any]) -> Reply:
    return Reply(HTTPStatus.OK, encode({"result": True, "data": data}))
