"""Other people's clients: programs of this folder, run by Node.js."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import pytest
from support.foreign import a_chromium, with_npm
from support.proxy import Proxy, proxied
from support.world import ApiAtHand

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
Node = Callable[..., AbstractAsyncContextManager[asyncio.subprocess.Process]]


@pytest.fixture(scope="session")
def node_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clients with what they need from npm, and what Relay's compiler makes of relay/, away from the checkout."""
    folder = with_npm(HERE, tmp_path_factory.mktemp("node") / "clients")
    shutil.copy(ROOT / "schema.graphql", folder)
    command = ["node_modules/.bin/relay-compiler"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - of the lock
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture
async def proxy(api: ApiAtHand) -> AsyncGenerator[Proxy, None]:
    """Between a module's API and its client or gateway."""
    async with proxied(api.url) as made:
        yield made


@pytest.fixture(scope="session")
def chromium() -> str:
    """A Chromium of this machine."""
    return a_chromium()


@pytest.fixture
def node(node_folder: Path) -> Node:
    """Runs a program of this folder beside the block; it is killed with it."""
    return partial(_beside, "node", folder=node_folder)


@pytest.fixture
def python() -> Node:
    """The same with Python."""
    return partial(_beside, sys.executable, folder=HERE)


@asynccontextmanager
async def _beside(program: str, *arguments: str, folder: Path) -> AsyncGenerator[asyncio.subprocess.Process, None]:
    process = await asyncio.create_subprocess_exec(
        *(program, *arguments), cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
