"""`rest-sync`: one call that lasts until the answer is there."""

from http import HTTPStatus
from math import inf
from typing import ClassVar

from sandbox.insurers.model.handle import Desk
from sandbox.insurers.model.http_call import Call
from sandbox.insurers.model.priced_application import read_application
from sandbox.insurers.model.replies import Reply
from sandbox.insurers.wire.dialects.dialect import Create, Poll
from sandbox.insurers.wire.dialects.rest_poll import RestPoll


class RestSync(RestPoll):
    """`POST /quotes`."""

    paths: ClassVar = (("POST", "/quotes"),)

    def read(self, call: Call, body: bytes, desk: Desk) -> Create | Poll | Reply:
        key = call.header(b"idempotency-key")
        return Create(key=key, read=lambda: read_application(body), patience_s=inf)

    def created(self, application_id: str) -> Reply:
        """There is nothing to poll with: only a client that was cut off gets here."""
        return self.error(HTTPStatus.SERVICE_UNAVAILABLE, "NOT_READY")
