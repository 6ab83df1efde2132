"""pgbouncer in transaction mode before a server, as an ordinary user runs it."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import asyncpg
from support.postgresql_cluster import as_user, own
from support.until import until

from sandbox.demo.servers import free_port

PGBOUNCER: Final = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")


@asynccontextmanager
async def pgbouncer(url: str, *, servers: int) -> AsyncGenerator[str, None]:
    """The URL of a pooler that shares so many connections to this database."""
    parts, port = urlsplit(url), free_port()
    host = parse_qs(parts.query).get("host", [parts.hostname or "127.0.0.1"])[0]
    folder = Path(tempfile.mkdtemp(prefix="osago-pooler-"))
    (folder / "users.txt").write_text('"postgres" ""\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n{parts.path[1:]} = host={host} port={parts.port or 5432} dbname={parts.path[1:]}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = trust\n"
        f"auth_file = {folder}/users.txt\npool_mode = transaction\ndefault_pool_size = {servers}\nmax_client_conn = 200\n"
    )
    own(folder)
    assert PGBOUNCER
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: ASYNC220, S603 - it starts at once
            [PGBOUNCER, str(folder / "pgbouncer.ini")], stdout=log, stderr=log, env=os.environ, **as_user()
        )
    try:
        through = f"postgresql://postgres@127.0.0.1:{port}{parts.path}"
        await until(lambda: _answers(through), seconds=10)
        yield through
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait)
        shutil.rmtree(folder, ignore_errors=True)


async def _answers(url: str) -> bool:
    try:
        connection = await asyncpg.connect(url, statement_cache_size=0)
    except (OSError, asyncpg.PostgresError):
        return False
    connection.terminate()
    return True
