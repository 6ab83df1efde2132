"""One suspect job in a process of its own: asks, and prints the quote as a document. Where it fails it tells the place.

Never the text of an error, though: it may hold personal data, and what is printed here stays in the dead letter.
"""

import asyncio
import sys
import traceback
from datetime import datetime
from uuid import UUID

from app.documents import decode_application, encode_quote
from app.domain.quote import Quote
from app.resources import Resources, open_resources
from app.settings import Settings
from app.storage.cipher import Sealed
from app.storage.database import connected
from app.storage.quotes import Work, read_work
from app.streams.insurer_states import InsurerStates
from app.streams.jobs import Delivery
from app.streams.keys import shard_of
from workers.asking import Asking
from workers.circuit import Circuit
from workers.insurers import make_adapter
from workers.insurers.http import InsurerHttp
from workers.job import Holding, Job
from workers.limit import Limits, Peers


class _Sole:
    """Nobody else has the job, and nobody is there to remember for."""

    async def confirm(self, job: Job) -> None:
        del job

    async def remember(self, job: Job, application_id: str) -> None:
        del job, application_id


async def ask(resources: Resources, insurer_id: str, request_id: UUID) -> Quote | None:
    """The quote, None where there is nothing to ask or the end came first."""
    work = await find_work(resources, insurer_id, request_id)
    if work is None or work.ended or work.settled or work.application is None:
        return None
    return await ask_about(resources, insurer_id, request_id, work.application, work.expires_at)


async def find_work(resources: Resources, insurer_id: str, request_id: UUID) -> Work | None:
    """What PostgreSQL has of it."""
    async with connected(resources.pool) as connection:
        return (await read_work(connection, insurer_id, [request_id])).get(request_id)


async def ask_about(
    resources: Resources, insurer_id: str, request_id: UUID, sealed: Sealed, expires_at: datetime
) -> Quote | None:
    """Asks an insurer, whatever became of the request; None where the end came first."""
    settings = resources.insurers[insurer_id]
    http = InsurerHttp(settings)
    try:
        adapter, circuit = make_adapter(settings.adapter, http), Circuit(settings, resources.clock)
        limits = Limits(settings, InsurerStates(resources.redis), Peers(), resources.clock)
        asking = Asking(settings, adapter, circuit, limits, resources.clock, end_margin_s=resources.settings.end_margin)
        recalled = await resources.jobs.recall(insurer_id, [request_id])
        job = Job(
            insurer_id=insurer_id,
            request_id=request_id,
            application=decode_application(resources.cipher.open(request_id, sealed)),
            expires_at=expires_at,
            application_id=recalled.get(request_id),
            holding=Holding(Delivery(shard_of(request_id, resources.settings.shards), "", request_id)),
        )
        answer = await asking.ask(job, _Sole())
    finally:
        await http.close()
    return Quote(request_id, insurer_id, answer, resources.clock.now()) if answer else None


async def main(insurer_id: str, request_id: UUID) -> None:
    async with open_resources(Settings.load()) as resources:
        quote = await ask(resources, insurer_id, request_id)
        if quote:
            sys.stdout.buffer.write(encode_quote(quote))


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1], UUID(sys.argv[2])))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told without its text
        print(f"{type(error).__module__}.{type(error).__qualname__}", file=sys.stderr)
        print("".join(traceback.format_tb(error.__traceback__)), file=sys.stderr)
        sys.exit(1)
