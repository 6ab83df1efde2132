"""Node.js and Chromium, for those clients that need them; a test says clearly when one is missing."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

HERE: Final = Path(__file__).parent
Node = Callable[..., AbstractAsyncContextManager[asyncio.subprocess.Process]]


@pytest.fixture(scope="session")
def node_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clients with what they need from npm, away from the checkout."""
    if shutil.which("node") is None:
        pytest.skip("Node.js is not installed: clients in JavaScript are not run")
    folder = tmp_path_factory.mktemp("node") / "clients"
    shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("node_modules", "*.py", "__pycache__"))
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, check=True, capture_output=True)  # noqa: S607
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """A Chromium of this machine."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    pytest.skip("Chromium is not installed (apt-get install chromium): GraphiQL is not run")


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
