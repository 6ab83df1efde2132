"""`rest-poll`: create, then poll. The common dialect; docs/adapters.md has its wire."""

from typing import Final
from urllib.parse import quote as quoted

import msgspec

from app.domain.application import Application
from app.domain.quote import Answer
from workers.adapters.adapter import Adapter, Created
from workers.adapters.wire import MAY_REFUSE, as_created, as_wire, read_status, reader, refused, to_json

_OK: Final = 200
_ACCEPTED: Final = 202


class _Created(msgspec.Struct, rename="camel"):
    application_id: str


_read_created: Final = reader(_Created)


class RestPoll(Adapter):
    """An insurer that takes an application in, and is asked for its offer until it is there."""

    async def create(self, application: Application, idempotency_key: str) -> Created | Answer:
        reply = await self.line.http.send(
            "POST",
            "applications",
            headers={"Content-Type": "application/json", "Idempotency-Key": idempotency_key},
            content=to_json(as_wire(application)),
            reads=MAY_REFUSE,
        )
        if (refusal := refused(reply)) is not None:
            return refusal
        return as_created(_read_created(reply.expect(_ACCEPTED).body).application_id)

    async def poll(self, application_id: str) -> Answer | None:
        reply = await self.line.http.send("GET", f"applications/{quoted(application_id, safe='')}", reads=MAY_REFUSE)
        if (refusal := refused(reply)) is not None:
            return refusal
        return read_status(reply.expect(_OK).body).answer()
