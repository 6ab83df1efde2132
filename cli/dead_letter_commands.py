"""`osago dead-letters`: jobs that were given up, for an operator to look at.

A list is read from Redis alone: it needs neither PostgreSQL nor the key of applications. A retry needs both.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from app.domain.errors import WrongSetting
from app.redis.dead_letters import DeadLetter, DeadLetters
from app.redis.topology import connect, parse_address
from app.resources import open_resources
from cli.demo_settings import load_settings
from cli.server_access import run_against_servers
from workers.poison_jobs.letter_retry import retry_letter

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
                print(f"{id_}  {await retry_letter(resources, await _found(letters, id_))}", flush=True)

    run_against_servers(retry)


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
