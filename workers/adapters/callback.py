"""`callback`: the insurer gets an address to call back at; it is polled in case that it does not.

Options: `callback_secret_env`, the variable that holds the secret with which this insurer signs what it calls with.
"""

from typing import ClassVar, Final
from urllib.parse import quote as quoted

import msgspec

from app.config.insurers_file import PollInterval
from app.domain.application import Application
from app.domain.errors import InsurerProtocol
from app.domain.insurer_call import CallbackRule, InsurerCall
from app.domain.quote import Answer
from app.use_cases.insurer_callbacks import is_signed
from workers.adapters.adapter import Abilities, Adapter, Created, InsurerAccess
from workers.adapters.wire import MAY_REFUSE, as_created, as_wire, read_status, reader, refused, to_json

_OK: Final = 200
_ACCEPTED: Final = 202
_SIGNATURE: Final = "x-signature"


class _About(msgspec.Struct, rename="camel"):
    """Which application a call is about; one of the two is enough."""

    idempotency_key: str | None = None
    application_id: str | None = None


class _Created(msgspec.Struct, rename="camel"):
    application_id: str


_read_created: Final = reader(_Created)
_read_about: Final = reader(_About)


class Callback(Adapter):
    """An insurer that calls back."""

    abilities: ClassVar = Abilities(
        calls_back=True,
        callback_rule=CallbackRule(headers=(_SIGNATURE,), signature=_SIGNATURE),
        poll_interval=PollInterval.every("8s"),
    )

    def __init__(self, line: InsurerAccess) -> None:
        super().__init__(line)
        self._secret = line.secret("callback_secret").encode()

    async def create(self, application: Application, idempotency_key: str) -> Created | Answer:
        body = {"application": as_wire(application), "callbackUrl": self.line.callback_url(idempotency_key)}
        reply = await self.line.http.send(
            "POST",
            "requests",
            headers={"Content-Type": "application/json", "Idempotency-Key": idempotency_key},
            content=to_json(body),
            reads=MAY_REFUSE,
        )
        if (refusal := refused(reply)) is not None:
            return refusal
        return as_created(_read_created(reply.expect(_ACCEPTED).body).application_id)

    async def poll(self, application_id: str) -> Answer | None:
        reply = await self.line.http.send("GET", f"requests/{quoted(application_id, safe='')}", reads=MAY_REFUSE)
        if (refusal := refused(reply)) is not None:
            return refusal
        return read_status(reply.expect(_OK).body).answer()

    def called(self, call: InsurerCall) -> Answer | None:
        if not is_signed(self._secret, call.body, call.header(_SIGNATURE)):
            raise InsurerProtocol("signature: another")
        about = _read_about(call.body)
        if not call.is_about(idempotency_key=about.idempotency_key, application_id=about.application_id):
            raise InsurerProtocol("called about another application")
        return read_status(call.body).answer()
