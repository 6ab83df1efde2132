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
from app.domain.errors import InsurerCredentials
from app.domain.quote import Answer
from workers.adapters.adapter import Adapter, Created, Line
from workers.adapters.insurer_http import Reply
from workers.adapters.wire import as_created, as_wire, read_answer, read_status, reader, refusal_in, to_json

EARLY_S: Final = 5.0
"""A token is not used any more so long before it runs out: it has to last for the call."""
_OK: Final = 200
_ACCEPTED: Final = 202
_REFUSED: Final = 422


class _Token(msgspec.Struct):
    access_token: Annotated[str, Meta(pattern=r"^[!-~]{1,4096}$")]
    expires_in: Annotated[float, Meta(ge=0)] = 300.0


class _Operation(msgspec.Struct, rename="camel"):
    operation_id: str


_read_token: Final = reader(_Token)
_read_operation: Final = reader(_Operation)


class Tokens:
    """The token of the moment. However many calls need a new one, it is fetched once."""

    def __init__(self, line: Line) -> None:
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
        reply = await self._line.http.send("POST", self._url, headers=headers, content=self._form)
        token = _read_token(reply.expect(_OK).body)
        self._token = token.access_token
        # One that lasts for less than twice the margin is used for half its time: never fetched for every call.
        self._until_s = asked_at + max(token.expires_in - EARLY_S, token.expires_in / 2)


class RestOAuth2(Adapter):
    """An insurer that answers at once if it can, behind OAuth2."""

    def __init__(self, line: Line) -> None:
        super().__init__(line)
        self._tokens = Tokens(line)
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
        if reply.status == _REFUSED:
            return refusal_in(reply.body)
        return read_answer(reply.expect(_OK).body).answer()

    async def poll(self, application_id: str) -> Answer | None:
        reply = await self._send("GET", f"v2/operations/{quoted(application_id, safe='')}", {})
        if reply.status == _REFUSED:
            return refusal_in(reply.body)
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
        return await self.line.http.send(method, path, headers=headers, content=content)
