"""Asks an insurer again about one dead letter, and settles the answer if its request is still open.

`python -m workers.poison_jobs.letter_retry ID` prints the result as the last line of standard output: the job may kill its process,
and then kills nothing else. Lines before the last one are the adapter's own.
"""

import asyncio
import sys
from datetime import timedelta

from app.config.settings import Settings
from app.domain.quote import Offer, Quote
from app.observability import logs
from app.postgres.database import reading
from app.postgres.quote_rows import read_quotes
from app.redis.dead_letters import DeadLetter, DeadLetters
from app.resources import Resources, open_resources
from app.runtime.supervision import run_parts
from app.use_cases.settle import Answered, QuoteSettler
from workers.poison_jobs.isolated_main import ask_about, asking_of, find_work
from workers.poison_jobs.retry_runner import ANSWER


async def retry_letter(resources: Resources, letter: DeadLetter) -> str:
    """Retries a dead letter; returns the result in words that hold no personal data."""
    if letter.insurer_id not in resources.insurers:
        return f"{letter.insurer_id} is not in the file of insurers any more"
    work = (await find_work(resources, letter.insurer_id, [letter.request_id])).get(letter.request_id)
    if work is None or work.application is None:
        return "the application is not there any more: nothing can be asked"
    until = resources.clock.now() + timedelta(seconds=resources.settings.quote_deadline)
    recalled = await resources.jobs.recall(letter.insurer_id, [letter.request_id])
    async with asking_of(resources, letter.insurer_id) as asking:
        quote = await ask_about(
            resources, asking, letter.request_id, work.application, until, recalled.get(letter.request_id)
        )
    if quote is None:
        return "no answer in time"
    if work.ended or work.settled:
        return f"{_shown(quote)} (not settled: the quote of this request stands)"
    settling = QuoteSettler(resources.pool, resources.events, resources.ending, resources.links, resources.clock)
    async with run_parts(settling.parts()):
        await settling.settle(Answered(quote, work.expires_at, ""))
    key = (letter.request_id, letter.insurer_id)
    async with reading(resources.pool) as connection:  # another worker's answer may have been first
        stands = (await read_quotes(connection, [key])).get(key, quote)
    return f"{_shown(stands)} (settled)"


def _shown(quote: Quote) -> str:
    answer = quote.answer
    if isinstance(answer, Offer):
        return f"{quote.status.value} {answer.premium.amount} {answer.premium.currency}"
    return f"{quote.status.value} {answer.reason.code.value}"


async def _main(letter_id: str) -> str:
    settings = Settings.load()
    logs.configure(log_format=settings.log_format, level=settings.log_level)
    async with open_resources(settings) as resources:
        letter = await DeadLetters(resources.redis, shards=settings.shards).find(letter_id)
        return await retry_letter(resources, letter) if letter else "the letter is not there any more"


if __name__ == "__main__":
    sys.stdout.write(f"\n{ANSWER}{asyncio.run(_main(sys.argv[1]))}")
