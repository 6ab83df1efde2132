"""`rest-sync`: one call, as long as the answer takes. `request_timeout` in insurers.toml has to allow for that."""

from typing import ClassVar, Final

from app.domain.application import Application
from app.domain.quote import Answer
from workers.adapters.adapter import Abilities, Adapter, Created
from workers.adapters.wire import MAY_REFUSE, as_wire, read_answer, refused, to_json

_OK: Final = 200


class RestSync(Adapter):
    """An insurer that thinks while the caller waits."""

    abilities: ClassVar = Abilities(polls=False)

    async def create(self, application: Application, idempotency_key: str) -> Created | Answer:
        reply = await self.line.http.send(
            "POST",
            "quotes",
            headers={"Content-Type": "application/json", "Idempotency-Key": idempotency_key},
            content=to_json(as_wire(application)),
            reads=MAY_REFUSE,
        )
        if (refusal := refused(reply)) is not None:
            return refusal
        return read_answer(reply.expect(_OK).body).answer()
