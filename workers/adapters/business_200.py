"""`business-200`: every reply has HTTP status 200; errors stand in the body."""

from datetime import datetime
from typing import Final

import msgspec

from app.domain.application import Application
from app.domain.errors import (
    InsurerBusy,
    InsurerCredentials,
    InsurerError,
    InsurerProtocol,
    InsurerRejected,
    InsurerUnavailable,
)
from app.domain.quote import Answer
from workers.adapters.adapter import Adapter, Created
from workers.adapters.transport.insurer_http import Reply
from workers.adapters.transport.retry_after import retry_after_s
from workers.adapters.wire import Declined, Offered, Processing, as_created, as_wire, reader, to_json

_OK: Final = 200
_ERRORS: Final = range(400, 600)
"""A gateway, or a later release, may put a status of its own on the same bodies."""


class _Accepted(msgspec.Struct, tag_field="status", tag="accepted", rename="camel"):
    application_id: str


class _Fault(msgspec.Struct, rename="camel"):
    code: str
    retry_after: object = None


class _Error(msgspec.Struct, tag_field="status", tag="error"):
    error: _Fault


_Data = _Accepted | Processing | Offered | Declined | _Error


class _Body(msgspec.Struct):
    data: _Data


_read: Final = reader(_Body)


class Business200(Adapter):
    """An insurer with errors in replies that look like any other."""

    async def create(self, application: Application, idempotency_key: str) -> Created | Answer:
        match await self._call("rpc/create", {"requestId": idempotency_key, "application": as_wire(application)}):
            case _Accepted(application_id=application_id):
                return as_created(application_id)
            case Offered() | Declined() as said:
                return said.answer()
            case _:
                raise InsurerProtocol("create: neither accepted nor answered")

    async def poll(self, application_id: str) -> Answer | None:
        match await self._call("rpc/status", {"applicationId": application_id}):
            case Processing() | Offered() | Declined() as said:
                return said.answer()
            case _:
                raise InsurerProtocol("status: accepted a second time")

    async def _call(self, path: str, body: object) -> _Accepted | Processing | Offered | Declined:
        headers = {"Content-Type": "application/json"}
        reply = await self.line.http.send("POST", path, headers=headers, content=to_json(body), reads=_ERRORS)
        try:
            data = _read(reply.body).data
        except InsurerProtocol:
            reply.expect(_OK)  # a status that is an error says more than a body that is none
            raise
        if isinstance(data, _Error):
            raise _error(data.error, reply, self.line.clock.now())
        reply.expect(_OK)
        return data


def _error(fault: _Fault, reply: Reply, now: datetime) -> InsurerError:
    """The error of this API's codes, under any status; an unknown code in a 200 is not repeated."""
    wait_s = retry_after_s(fault.retry_after, now)
    wait_s = reply.retry_after_s if wait_s is None else wait_s
    match fault.code:
        case "TOO_MANY_REQUESTS":
            return InsurerBusy("too many requests", wait_s)
        case "INTERNAL" | "TRY_AGAIN":
            return InsurerUnavailable("out of order", wait_s)
        case "ACCESS_DENIED":
            return InsurerCredentials("access denied")
        case _:
            return reply.fault() or InsurerRejected("error in 200")
