"""GraphQL over HTTP, judged by the audits of npm's graphql-http."""

import asyncio
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
from support.world import World

HERE: Final = Path(__file__).parent
AUDITS: Final = 61


@pytest.fixture(scope="module")
def node_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clients with what they need from npm, away from the checkout."""
    if shutil.which("node") is None:
        pytest.skip("Node.js is not installed")
    folder = tmp_path_factory.mktemp("node") / "clients"
    shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("node_modules", "*.py", "__pycache__"))
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, check=True, capture_output=True)  # noqa: S607
    return folder


async def test_every_audit_passes(world: World, node_folder: Path) -> None:
    """Those that MUST, SHOULD and MAY."""
    world.write_insurers("sever")
    api = await world.api()
    audits = await asyncio.create_subprocess_exec(
        "node", "audits.mjs", api.graphql, api.token, cwd=node_folder, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await audits.communicate()
    outcomes: list[dict[str, Any]] = json.loads(printed)
    assert [outcome for outcome in outcomes if outcome["status"] != "ok"] == []
    assert len(outcomes) == AUDITS
