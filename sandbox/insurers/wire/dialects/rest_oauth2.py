"""`rest-oauth2`: a token first; an answer within `Desired-Timeout`, or else an operation to poll."""

import secrets
from http import HTTPStatus
from typing import ClassVar, Final
from urllib.parse import parse_qs

from sandbox.insurers.model.handle import Desk
from sandbox.insurers.model.http_call import Call
from sandbox.insurers.model.priced_application import read_application
from sandbox.insurers.model.replies import Reply, encode
from sandbox.insurers.wire.dialects.dialect import Create, Poll
from sandbox.insurers.wire.dialects.rest_poll import RestPoll

SECRET: Final = "sandbox"  # noqa: S105 - not a secret outside of the sandbox
"""What every client of every insurer here has for a secret."""


class RestOAuth2(RestPoll):
    """`POST /oauth/token`, `POST /v2/quotes`, `GET /v2/operations/{operation}`."""

    paths: ClassVar = (("POST", "/oauth/token"), ("POST", "/v2/quotes"), ("GET", "/v2/operations/{operation}"))

    options: ClassVar = {"client_id": "osago", "client_secret": SECRET}

    def read(self, call: Call, body: bytes, desk: Desk) -> Create | Poll | Reply:
        if call.route.endswith("/token"):
            return self._token(body, desk)
        scheme, _, token = call.header(b"authorization").partition(" ")
        if scheme != "Bearer" or not desk.tokens.holds(token):
            return self.error(HTTPStatus.UNAUTHORIZED, "TOKEN_EXPIRED")
        if call.method == "GET":
            return Poll(call.path("operation"))
        patience = call.header(b"desired-timeout")
        return Create(
            key=call.header(b"idempotency-key"),
            read=lambda: read_application(body),
            patience_s=float(patience) if patience.isascii() and patience.isdigit() else 0,
        )

    def created(self, application_id: str) -> Reply:
        return Reply(HTTPStatus.ACCEPTED, encode({"operationId": application_id}))

    def _token(self, body: bytes, desk: Desk) -> Reply:
        form = parse_qs(body.decode("latin-1"))
        if form.get("grant_type") != ["client_credentials"] or form.get("client_secret") != [SECRET]:
            return self.error(HTTPStatus.UNAUTHORIZED, "invalid_client")
        token = secrets.token_urlsafe(16)
        lasts_s = desk.tokens.issue(token)
        return Reply(HTTPStatus.OK, encode({"access_token": token, "token_type": "Bearer", "expires_in": lasts_s}))
