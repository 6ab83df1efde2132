"""`osago dead-letters`: jobs that were given up, for an operator to look at.

A list is read from Redis alone: it needs neither PostgreSQL nor the key of applications. A retry needs both.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final, TypeVar

from app.domain.errors import WrongSetting
from app.domain.quote import Offer, Quote
from app.redis.dead_letters import DeadLetter, DeadLetters
from app.redis.topology import connect, parse_address
from app.resources import Resources, open_resources
from app.runtime.supervision import run_parts
from app.use_cases.settle import Answered, QuoteSettler
from cli.demo_settings import load_settings
from cli.server_access import run_against_servers
from workers.poison_jobs.isolated_main import ask_about, asking_of, find_work

Result = TypeVar("Result")

_LINE: Final = "{:<20}  {:<25}  {:<12}  {:<36}  {:>10}  {}"


def list_letters() -> None:
    """Prints every letter, a line each."""

    async def read(letters: DeadLetters) -> list[DeadLetter]:
        return [letter async for letter in letters.all()]

    found = _look(read)
    print(_LINE.format("id", "at", "insurer", "request", "deliveries", "reason"))
    for letter in found:
        at = letter.at.isoformat(timespec="seconds")
        cells = (letter.id, at, letter.insurer_id, str(letter.request_id), letter.deliveries, letter.reason)
        print(_LINE.format(*cells))


def show_letter(id_: str) -> None:
    """Prints a letter whole, with the places that its failure went through."""

    async def read(letters: DeadLetters) -> DeadLetter:
        return await _found(letters, id_)

    letter = _look(read)
    for name in ("id", "at", "insurer_id", "request_id", "deliveries", "reason"):
        print(f"{name:<11} {getattr(letter, name)}")
    print(f"\n{letter.trace.strip() or 'no trace: the process was killed'}")


def drop_letters(ids: Sequence[str]) -> None:
    """Removes letters that have been looked at."""

    async def drop(letters: DeadLetters) -> int:
        for id_ in ids:
            await _found(letters, id_)
        return await letters.drop(ids)

    print(f"dropped {_look(drop)}")


def retry_letters(ids: Sequence[str]) -> None:
    """Asks the insurers again and prints the answers."""
    settings = load_settings()

    async def retry() -> None:
        async with open_resources(settings) as resources:
            letters = DeadLetters(resources.redis, shards=settings.shards)
            for id_ in ids:
                print(f"{id_}  {await _retried(resources, await _found(letters, id_))}", flush=True)

    run_against_servers(retry)


async def _retried(resources: Resources, letter: DeadLetter) -> str:
    work = (await find_work(resources, letter.insurer_id, [letter.request_id])).get(letter.request_id)
    if letter.insurer_id not in resources.insurers:
        return f"{letter.insurer_id} is not in the file of insurers any more"
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
        stands = await settling.settle(Answered(quote, work.expires_at, ""))
    return f"{_shown(stands)} (settled)"


def _shown(quote: Quote) -> str:
    answer = quote.answer
    if isinstance(answer, Offer):
        return f"{quote.status.value} {answer.premium.amount} {answer.premium.currency}"
    return f"{quote.status.value} {answer.reason.code.value}"


async def _found(letters: DeadLetters, id_: str) -> DeadLetter:
    try:
        letter = await letters.find(id_)
    except ValueError as error:
        raise WrongSetting(str(error)) from None
    if letter is None:
        raise WrongSetting(f"{id_}: there is no such dead letter")
    return letter


def _look(step: Callable[[DeadLetters], Awaitable[Result]]) -> Result:
    settings = load_settings()

    async def main() -> Result:
        redis = connect(parse_address(settings.redis_url))
        try:
            return await step(DeadLetters(redis, shards=settings.shards))
        finally:
            await redis.aclose()

    return run_against_servers(main)
