"""The nginx of `deploy/nginx.conf` as a process, before an API of a test."""

import subprocess
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from support.foreign import program
from support.until import until

from sandbox.demo.servers import free_port, is_free

CONFIGURATION: Final = Path(__file__).parents[2] / "deploy/nginx.conf"


def command(file: Path) -> list[str]:
    """Runs this configuration in the foreground; the test is skipped where there is no nginx."""
    return [
        program("nginx", "/usr/sbin/nginx", package="nginx-light"),
        "-e",
        "stderr",
        "-p",
        str(file.parent),
        "-c",
        str(file),
        "-g",
        "daemon off;",
    ]


def written(folder: Path, upstream: str, port: int, changes: Mapping[str, str]) -> Path:
    """The configuration with addresses of this machine, and `changes`: texts that occur in it once, and their replacements.

    Names are resolved by Docker alone, and `resolve` is newer than what Debian 12 ships.
    """
    text = CONFIGURATION.read_text(encoding="utf-8")
    places = {
        "server api:8000 resolve ": f"server {upstream} ",
        "listen 8080 ": f"listen 127.0.0.1:{port} ",
        "worker_processes auto;": "worker_processes 1;",
        "worker_rlimit_nofile 131072;": "",
        "worker_connections 65536;": "worker_connections 512;",
        "access_log /dev/stdout plain;": "access_log off;",
    }
    for old, new in (places | dict(changes)).items():
        assert text.count(old) == 1, f"{old} occurs {text.count(old)} times"
        text = text.replace(old, new)
    file = folder / "nginx.conf"
    file.write_text(text.replace("/tmp/", f"{folder}/"), encoding="utf-8")  # noqa: S108 - the container's own
    return file


@asynccontextmanager
async def nginx(folder: Path, api_url: str, **changes: str) -> AsyncGenerator[str, None]:
    """An nginx before an API, with `changes` as `written` has them, beside the block; its URL."""
    port = free_port()
    file = written(folder, urlsplit(api_url).netloc, port, changes)
    process = subprocess.Popen(command(file), stdin=subprocess.DEVNULL)  # noqa: ASYNC220, S603 - it starts at once
    try:
        await until(lambda: not is_free(port))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
