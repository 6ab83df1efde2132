"""Other people's clients: programs of this folder, run by Node.js."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final

import pytest
from support.foreign import a_chromium, with_npm

HERE: Final = Path(__file__).parent
Node = Callable[..., AbstractAsyncContextManager[asyncio.subprocess.Process]]


@pytest.fixture(scope="session")
def node_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clients with what they need from npm, away from the checkout."""
    return with_npm(HERE, tmp_path_factory.mktemp("node") / "clients")


@pytest.fixture(scope="session")
def chromium() -> str:
    """A Chromium of this machine."""
    return a_chromium()


@pytest.fixture
def node(node_folder: Path) -> Node:
    """Runs a program of this folder beside the block; it is killed with it."""

    @asynccontextmanager
    async def run(*arguments: str) -> AsyncGenerator[asyncio.subprocess.Process, None]:
        process = await asyncio.create_subprocess_exec(
            *("node", *arguments), cwd=node_folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()

    return run
