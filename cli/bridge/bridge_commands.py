"""`osago bridge state`, `list`, `retry`, `drop`: what an operator asks of the bridge's rows. PostgreSQL alone is needed."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from app.domain.errors import WrongSetting
from app.postgres.database import Connection, connected, open_pool
from bridge.bridge_rows import drop_dead_letters, read_dead_letters, read_states, retry_dead_letters
from cli.demo_settings import load_settings
from cli.server_access import run_against_servers

Result = TypeVar("Result")

LETTERS_MAX: Final = 1000
_STATE: Final = "{:<20}  {:>5}  {:<22}  {:<25}  {:<40}  {:>12}"
_LINE: Final = "{:<20}  {:<25}  {:<60}  {:>8}  {:<8}  {}"


def print_state() -> None:
    """Prints a line for each destination and shard."""
    states = _look(read_states)
    print(_STATE.format("destination", "shard", "delivered up to", "at", "served by", "dead letters"))
    for one in states:
        at = one.updated_at.isoformat(timespec="seconds")
        print(_STATE.format(one.destination, one.shard, one.cursor, at, one.holder or "–", one.dead_letters))


def list_bridge_letters(destination: str) -> None:
    """Prints the oldest letters, a line each."""
    letters = _look(lambda connection: read_dead_letters(connection, destination, most=LETTERS_MAX))
    print(_LINE.format("destination", "at", "event", "attempts", "again", "reason"))
    for one in letters:
        at = one.given_up_at.isoformat(timespec="seconds")
        again = "waits" if one.is_retried else "–"
        print(_LINE.format(one.destination, at, one.event_id, one.attempts, again, one.reason))


def retry_bridge_letters(destination: str, event_ids: Sequence[str]) -> None:
    """Has the running bridge deliver them; it removes those that go through."""
    found = _look(lambda connection: retry_dead_letters(connection, destination, event_ids))
    _check(event_ids, found)
    print(f"waiting for the bridge: {len(found)}")


def drop_bridge_letters(destination: str, event_ids: Sequence[str]) -> None:
    """Removes letters that have been looked at."""
    found = _look(lambda connection: drop_dead_letters(connection, destination, event_ids))
    _check(event_ids, found)
    print(f"dropped {len(found)}")


def _check(wanted: Sequence[str], found: Sequence[str]) -> None:
    if missing := [id_ for id_ in wanted if id_ not in found]:
        raise WrongSetting(f"{missing[0]}: there is no such dead letter of this destination")


def _look(step: Callable[[Connection], Awaitable[Result]]) -> Result:
    settings = load_settings()

    async def main() -> Result:
        pool = await open_pool(settings.database_url, connections=2)
        try:
            async with connected(pool) as connection:
                return await step(connection)
        finally:
            pool.terminate()

    return run_against_servers(main)
