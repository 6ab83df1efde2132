"""`osago top`: keys change the view, and it works in a real terminal."""

import asyncio
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from support.commands import typed
from support.world import World

from app.overview.snapshot_reader import SnapshotReader
from app.overview.system_snapshot import CircuitFigures, InsurerFigures, PushFigures, RequestFigures, Snapshot
from cli.top.top_keys import keys_of
from cli.top.top_state import TopState, chosen_of, in_order, pressed

SHOWN_S_MAX = 30.0


def a_snapshot() -> Snapshot:
    """Three insurers: one is calm, one has a queue, one has its circuit open."""
    return Snapshot(
        at=datetime(2026, 1, 1, tzinfo=UTC),
        window_s=300,
        slot_s=10,
        servers={"postgresql": "ok", "redis": "ok"},
        series={},
        requests=RequestFigures(),
        push=PushFigures(),
        insurers=(
            InsurerFigures(id="calm", name="Calm", circuit=CircuitFigures()),
            InsurerFigures(id="busy", name="Busy", waiting=9, circuit=CircuitFigures()),
            InsurerFigures(id="down", name="Down", circuit=CircuitFigures("UNAVAILABLE", 5.0, 1)),
        ),
    )


def after(*keys: str) -> TopState:
    state = TopState()
    for key in keys:
        state = pressed(state, key, a_snapshot())
    return state


def test_what_needs_a_hand_stands_first_and_s_chooses_another_order() -> None:
    """The order stays while figures change."""
    assert [one.id for one in in_order(after(), a_snapshot())] == ["down", "busy", "calm"]
    assert [one.id for one in in_order(after("s"), a_snapshot())] == ["busy", "calm", "down"]


def test_keys_choose_an_insurer_and_stop_at_the_ends() -> None:
    """Arrows choose, and letters where a keyboard has no arrows."""
    chosen = [chosen_of(after(*keys), a_snapshot()) for keys in ((), ("down", "j", "j"), ("down", "k", "up"))]
    assert [one.id for one in chosen if one] == ["down", "calm", "down"]
    assert after("enter").is_looked_into
    assert not after("enter", "escape").is_looked_into


def test_a_pause_needs_a_reason_and_escape_leaves_it() -> None:
    """Letters of the reason are no keys meanwhile."""
    asked = after("p", "enter", *"quick", "backspace")
    assert asked.asking is not None
    assert (asked.asking.insurer_id, asked.asking.why, asked.is_over) == ("down", "quic", False)
    assert after("p", *"down", "escape").asking is None
    ordered = after("p", *"сбой", "enter").ordered
    assert ordered is not None
    assert (ordered.insurer_id, ordered.why) == ("down", "сбой")


def test_keys_of_a_terminal_are_read_one_by_one() -> None:
    """Arrows by their names; what has none is left out."""
    assert list(keys_of("s\x1b[A\x1b[B\x1b[5~\r\x7fя\x1b")) == ["s", "up", "down", "enter", "backspace", "я", "escape"]


class Terminal:
    """A real pseudo-terminal with a command in it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.text = ""

    def press(self, keys: str) -> None:
        os.write(self._descriptor, keys.encode())

    async def shows(self, pattern: str) -> None:
        """Waits until this can be seen, and forgets what was there before."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(SHOWN_S_MAX):
            while not (found := re.search(pattern, self.text)):
                self.text += (await loop.run_in_executor(None, os.read, self._descriptor, 65_536)).decode(
                    errors="replace"
                )
        self.text = self.text[found.end() :]


@asynccontextmanager
async def terminal(world: World, *command: str) -> AsyncGenerator[tuple[Terminal, "subprocess.Popen[bytes]"], None]:
    ours, theirs = pty.openpty()
    environment = {**world.environment, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
    process = subprocess.Popen(  # noqa: ASYNC220, S603 - our own command
        [sys.executable, "-m", "cli.main", *command], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    )
    os.close(theirs)
    try:
        yield Terminal(ours), process
    finally:
        process.kill()
        process.wait()
        os.close(ours)


@pytest.mark.processes
async def test_an_insurer_is_looked_into_and_paused_from_a_terminal(world: World) -> None:
    """The pause holds, with its reason and its author; `q` gives the terminal back."""
    world.write_insurers("sever", "volga")
    resources = await world.resources()
    async with terminal(world, "top") as (screen, process):
        await screen.shows("sever")
        screen.press("\r")
        await screen.shows("answers in 5 min")
        screen.press("p")
        await screen.shows(r"Pause sever\. Why\?")
        screen.press("their maintenance\r")
        await screen.shows("sever is paused")
        screen.press("q")
        await screen.shows(r"\x1b\[\?1049l")
        assert await asyncio.to_thread(process.wait, SHOWN_S_MAX) == 0
    (control,) = await resources.controls.in_force()
    assert (control.subject, control.why, bool(control.author)) == ("sever", "their maintenance", True)


@pytest.mark.processes
async def test_json_is_the_consoles_snapshot(world: World) -> None:
    """The exit code is 0, or 1 where a server is away; without a terminal and `--json` it says what is missing."""
    world.write_insurers("sever")
    done = await asyncio.to_thread(typed, world, "top", "--json")
    snapshot = await SnapshotReader(await world.resources()).read()
    assert done.returncode == 0
    assert [one["id"] for one in json.loads(done.stdout)["insurers"]] == [one.id for one in snapshot.insurers]
    refused = await asyncio.to_thread(typed, world, "top")
    assert (refused.returncode, refused.stderr) == (
        2,
        "osago: top: needs a terminal; `osago top --json` prints one snapshot\n",
    )
