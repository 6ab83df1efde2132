"""Loops outlive what they meet, and do not fill the log with it."""

import asyncio

import pytest
from support.clock import MovedClock

from app.domain.errors import Unavailable
from app.runtime.periodic import run_periodically


async def test_an_outage_is_logged_at_once_and_then_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """A loop that turns many times a second would bury everything else."""
    clock, turns = MovedClock(), 0

    async def turn() -> None:
        nonlocal turns
        turns += 1
        raise Unavailable("PostgreSQL is not there", 1.0)

    looping = asyncio.create_task(run_periodically("sweeper", turn, every_s=0.5, clock=clock))
    await asyncio.sleep(0)
    await clock.advance(150)
    looping.cancel()
    assert turns >= 50
    assert sum("loop.waits" in record.getMessage() for record in caplog.records) == 3
