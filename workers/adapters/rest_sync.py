"""`rest-sync`: one call, as long as the answer takes. `request_timeout` in insurers.toml has to allow for that."""

from typing import ClassVar, Final

from app.domain.application import Application
from app.domain.quote import Answer
from workers.adapters.adapter import Abilities, Adapter, Created
from workers.adapters.wire import as_wire, read_answer, refusal_in, to_json

_OK: Final = 200
_REFUSED: Final = 422


class RestSync(Adapter):
    """An insurer that thinks while the caller waits."""

    abilities: ClassVar = Abilities(polls=False)

    async def create(self, application: Application, idempotency_key: str) -> Created | Answer:
        reply = await self.line.http.send(
            "POST",
            "quotes",
            headers={"Content-Type": "application/json", "Idempotency-Key": idempotency_key},
            content=to_json(as_wire(application)),
        )
        if reply.status == _REFUSED:
            return refusal_in(reply.body)
        return read_answer(reply.expect(_OK).body).answer()
