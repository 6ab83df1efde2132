"""`rest-oauth2`: a token by client credentials; an answer within a desired time, or else an operation to poll.

Options: `client_id`, `client_secret_env` (the variable that holds the secret), and, where they differ, `token_url`
(`oauth/token`, behind `base_url`; a whole address too) and `desired_timeout_s` (3).
"""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Final
from urllib.parse import quote as quoted
from urllib.parse import urlencode

import msgspec
from msgspec import Meta

from app.domain.application import Application
from app.domain.errors import InsurerCredentials, InsurerProtocol, InsurerRejected
from app.domain.quote import Answer
from workers.adapters.adapter import Adapter, Created, InsurerAccess
from workers.adapters.transport.insurer_http import Reply
from workers.adapters.wire import (
    MAY_REFUSE,
    NOT_READ,
    as_created,
    as_wire,
    optional,
    read_answer,
    read_status,
    reader,
    refused,
    to_json,
)

EARLY_S: Final = 5.0
"""A token is not used any more so long before it runs out: it has to last for the call."""
LIFETIME_S: Final = 300.0
"""Seconds that a token holds if its response does not say, or not readably."""
LIFETIME_S_MIN: Final = 1.0
"""A shorter one is taken for one that is not said: a token would be fetched for every call."""
LIFETIME_S_MAX: Final = 86_400.0
_OK: Final = 200
_ACCEPTED: Final = 202


class _Token(msgspec.Struct):
    access_token: Annotated[str, Meta(pattern=r"\A[!-~]{1,4096}\Z")]
    expires_in: msgspec.Raw = NOT_READ
    """Seconds; insurers write numbers and texts, and some that are neither."""


class _Operation(msgspec.Struct, rename="camel"):
    operation_id: str


class _Refusal(msgspec.Struct):
    error: str


_REFUSALS: Final = {
    "invalid_client": "options.client_secret_env",
    "unauthorized_client": "options.client_id",
    "access_denied": "options.client_id",
    "invalid_grant": "options.client_id",
    "invalid_scope": "options.client_id",
    "invalid_request": "options.token_url",
    "unsupported_grant_type": "options.token_url",
}
"""Errors of a token endpoint, and the key of insurers.toml to look at first."""
_read_token: Final = reader(_Token)
_read_refusal: Final = reader(_Refusal)
_read_operation: Final = reader(_Operation)


class AccessTokens:
    """The token of the moment. However many calls need a new one, it is fetched once."""

    def __init__(self, line: InsurerAccess) -> None:
        self._line = line
        self._url = line.option("token_url", "oauth/token")
        self._form = urlencode(
            {
                "grant_type": "client_credentials",
                "client_id": line.option("client_id"),
                "client_secret": line.secret("client_secret"),
            }
        ).encode()
        self._fetching = asyncio.Lock()
        self._token = ""
        self._until_s = 0.0

    async def current(self, refused: str = "") -> str:
        """A token that holds, and is not the one that was `refused`."""
        if not self._is_good(refused):
            async with self._fetching:
                if not self._is_good(refused):
                    await self._fetch()
        return self._token

    def _is_good(self, refused: str) -> bool:
        return self._token not in ("", refused) and self._line.clock.monotonic() < self._until_s

    async def _fetch(self) -> None:
        asked_at = self._line.clock.monotonic()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        reply = await self._line.http.send("POST", self._url, headers=headers, content=self._form, reads=(401, 403))
        if isinstance(reply.fault(), InsurerCredentials | InsurerRejected):
            raise _refusal(reply)
        token = _read_token(reply.expect(_OK).body)
        lifetime_s = _lifetime_s(token.expires_in)
        self._token = token.access_token
        # One that lasts for less than twice the margin is used for half its time: never fetched for every call.
        self._until_s = asked_at + max(lifetime_s - EARLY_S, lifetime_s / 2)


def _lifetime_s(said: msgspec.Raw) -> float:
    text = optional(said, str)
    number = optional(said, float) if text is None else text
    try:
        seconds = LIFETIME_S if number is None else float(number)
    except ValueError:
        return LIFETIME_S
    return min(seconds, LIFETIME_S_MAX) if seconds >= LIFETIME_S_MIN else LIFETIME_S


def _refusal(reply: Reply) -> InsurerCredentials:
    """Why there is no token (RFC 6749, 5.2). Without one no other call is possible, so an operator has to mend it."""
    try:
        code = _read_refusal(reply.body).error
    except InsurerProtocol:
        code = ""
    if code in _REFUSALS:
        return InsurerCredentials(f"token: {code} (status {reply.status})", setting=_REFUSALS[code])
    setting = "options.client_secret_env" if reply.status in (401, 403) else "options.token_url"
    return InsurerCredentials(f"token: status {reply.status}", setting=setting)


class RestOAuth2(Adapter):
    """An insurer that answers at once if it can, behind OAuth2."""

    def __init__(self, line: InsurerAccess) -> None:
        super().__init__(line)
        self._tokens = AccessTokens(line)
        self._desired_s = line.option("desired_timeout_s", "3")

    async def create(self, application: Application, idempotency_key: str) -> Created | Answer:
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": idempotency_key,
            "Desired-Timeout": self._desired_s,
        }
        reply = await self._send("POST", "v2/quotes", headers, to_json(as_wire(application)))
        if reply.status == _ACCEPTED:
            return as_created(_read_operation(reply.body).operation_id)
        if (refusal := refused(reply)) is not None:
            return refusal
        return read_answer(reply.expect(_OK).body).answer()

    async def poll(self, application_id: str) -> Answer | None:
        reply = await self._send("GET", f"v2/operations/{quoted(application_id, safe='')}", {})
        if (refusal := refused(reply)) is not None:
            return refusal
        return read_status(reply.expect(_OK).body).answer()

    async def _send(self, method: str, path: str, headers: Mapping[str, str], content: bytes | None = None) -> Reply:
        """With the token; once more with a new one where the insurer has dropped it before its time."""
        token = await self._tokens.current()
        try:
            return await self._send_with(token, method, path, headers, content)
        except InsurerCredentials:
            token = await self._tokens.current(refused=token)
            return await self._send_with(token, method, path, headers, content)

    async def _send_with(
        self, token: str, method: str, path: str, headers: Mapping[str, str], content: bytes | None
    ) -> Reply:
        headers = {**headers, "Authorization": f"Bearer {token}"}
        return await self.line.http.send(method, path, headers=headers, content=content, reads=MAY_REFUSE)
