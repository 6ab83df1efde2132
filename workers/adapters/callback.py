"""`callback`: the insurer is told where to call, and does; polling is what is left when it does not.

Options: `callback_secret_env`, the variable that holds the secret with which this insurer signs what it calls with.
"""

import hashlib
import hmac
from typing import ClassVar, Final
from urllib.parse import quote as quoted

import msgspec

from app.config.insurers_file import PollInterval
from app.domain.application import Application
from app.domain.errors import InsurerProtocol
from app.domain.insurer_call import Call
from app.domain.quote import Answer
from workers.adapters.adapter import Abilities, Adapter, Created, Line
from workers.adapters.wire import as_created, as_wire, read_status, reader, refusal_in, to_json

_OK: Final = 200
_ACCEPTED: Final = 202
_REFUSED: Final = 422


class _Created(msgspec.Struct, rename="camel"):
    application_id: str


_read_created: Final = reader(_Created)


class Callback(Adapter):
    """An insurer that calls back."""

    abilities: ClassVar = Abilities(calls_back=True, poll_interval=PollInterval.every("8s"))

    def __init__(self, line: Line) -> None:
        super().__init__(line)
        self._secret = line.secret("callback_secret").encode()

    async def create(self, application: Application, idempotency_key: str) -> Created | Answer:
        body = {"application": as_wire(application), "callbackUrl": self.line.callback_url(idempotency_key)}
        reply = await self.line.http.send(
            "POST",
            "requests",
            headers={"Content-Type": "application/json", "Idempotency-Key": idempotency_key},
            content=to_json(body),
        )
        if reply.status == _REFUSED:
            return refusal_in(reply.body)
        return as_created(_read_created(reply.expect(_ACCEPTED).body).application_id)

    async def poll(self, application_id: str) -> Answer | None:
        reply = await self.line.http.send("GET", f"requests/{quoted(application_id, safe='')}")
        if reply.status == _REFUSED:
            return refusal_in(reply.body)
        return read_status(reply.expect(_OK).body).answer()

    def called(self, call: Call) -> Answer | None:
        signature = "sha256=" + hmac.new(self._secret, call.body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(signature.encode(), call.header("x-signature").encode()):
            raise InsurerProtocol("signature: another")
        return read_status(call.body).answer()
