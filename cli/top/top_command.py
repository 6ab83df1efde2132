"""`osago top`: reads a snapshot a second and draws it; `--json` prints one snapshot, as the console's JSON has it."""

import asyncio
import getpass
import sys
from dataclasses import replace
from typing import Final

import msgspec
from rich.console import Console
from rich.live import Live

from app.domain.errors import ControlRefused, Unavailable, WrongSetting
from app.domain.operators.control import Order
from app.overview.snapshot_reader import SnapshotReader
from app.overview.system_snapshot import Snapshot
from app.resources import Resources, open_resources
from cli.demo_settings import load_settings
from cli.server_access import run_against_servers
from cli.top.top_keys import KeyReader, key_by_key
from cli.top.top_state import Asking, TopState, pressed
from cli.top.top_view import view

EVERY_S: Final = 1.0


def run(*, as_json: bool) -> int:
    """Returns the exit code: with `--json` 1 where PostgreSQL or Redis does not answer.

    Raises:
        WrongSetting: there is no terminal, or the settings are no good.
    """
    if not as_json and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise WrongSetting("top: needs a terminal; `osago top --json` prints one snapshot")
    settings = load_settings()

    async def main() -> int:
        async with open_resources(settings) as resources:
            reader = SnapshotReader(resources)
            if not as_json:
                await LiveView(resources, reader).run()
                return 0
            snapshot = await reader.read()
            print(msgspec.json.encode(snapshot).decode())
            return int(any(state != "ok" for state in snapshot.servers.values()))

    return run_against_servers(main)


class LiveView:
    """The view in a terminal, until `q`."""

    def __init__(self, resources: Resources, reader: SnapshotReader) -> None:
        self._resources = resources
        self._reader = reader
        self._state = TopState()
        self._snapshot: Snapshot | None = None
        self._keys = KeyReader()
        self._is_changed = asyncio.Event()

    async def run(self) -> None:
        """Draws whenever a snapshot is read or a key is pressed."""
        loop = asyncio.get_running_loop()
        with key_by_key(), Live(console=Console(), screen=True, auto_refresh=False) as live:
            loop.add_reader(sys.stdin.fileno(), self._take_keys)
            reading = asyncio.create_task(self._read())
            try:
                while not self._state.is_over:
                    live.update(view(self._state, self._snapshot), refresh=True)
                    await self._is_changed.wait()
                    self._is_changed.clear()
                    await self._carry_out(self._state.ordered)
            finally:
                reading.cancel()
                loop.remove_reader(sys.stdin.fileno())

    async def _read(self) -> None:
        while True:
            self._snapshot = await self._reader.read()
            self._is_changed.set()
            await asyncio.sleep(EVERY_S)

    def _take_keys(self) -> None:
        for key in self._keys.read():
            if self._snapshot is not None:
                self._state = pressed(self._state, key, self._snapshot)
            elif key in {"q", "\x03"}:
                self._state = replace(self._state, is_over=True)
        self._is_changed.set()

    async def _carry_out(self, ordered: Asking | None) -> None:
        if ordered is None:
            return
        self._state = replace(self._state, ordered=None)
        controls, verb = self._resources.controls, "resumed" if ordered.is_paused else "paused"
        try:
            order = Order(getpass.getuser(), ordered.why.strip())
            if ordered.is_paused:
                await controls.resume(ordered.insurer_id, order)
            else:
                await controls.pause(ordered.insurer_id, order)
            said = f"{ordered.insurer_id} is {verb}"
        except (ControlRefused, Unavailable) as error:
            said = f"not {verb}: {error}"
        self._state = replace(self._state, said=said)
        self._is_changed.set()
