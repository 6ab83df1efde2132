"""Runs one step of a command against PostgreSQL and Redis: what is wrong with either of them is one clear line."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg

from app.domain.errors import RedisAway, Unavailable, WrongSetting

Result = TypeVar("Result")


def run_against_servers(step: Callable[[], Awaitable[Result]]) -> Result:
    """Runs the step in an event loop of its own.

    Raises:
        WrongSetting: a server cannot be reached, or is not as this release needs it.
        BrokenPipeError: the reader of the output has gone.
    """

    async def main() -> Result:
        return await step()

    try:
        return asyncio.run(main())
    except RedisAway as error:
        raise WrongSetting(f"OSAGO_REDIS_URL: Redis cannot be reached ({cause_of(error)})") from None
    except Unavailable as error:
        if isinstance(error.__cause__, asyncpg.UndefinedTableError | asyncpg.UndefinedColumnError):
            raise wrong_database(error.__cause__) from None
        raise WrongSetting(f"OSAGO_DATABASE_URL: PostgreSQL cannot be reached ({cause_of(error)})") from None
    except asyncpg.PostgresError as error:
        raise wrong_database(error) from None


def wrong_database(error: asyncpg.PostgresError) -> WrongSetting:
    """A database that answers, and not as this release needs it; the text repeats no value."""
    if isinstance(error, asyncpg.UndefinedTableError | asyncpg.UndefinedColumnError):
        return WrongSetting(
            "OSAGO_DATABASE_URL: the database has not this release's tables: `osago migrate` makes them"
        )
    return WrongSetting(f"OSAGO_DATABASE_URL: PostgreSQL refuses it ({type(error).__name__})")


def cause_of(error: BaseException) -> str:
    """The name of the error below, which says more."""
    return type(error.__cause__ or error).__name__
