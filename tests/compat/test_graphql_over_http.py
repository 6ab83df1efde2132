"""GraphQL over HTTP, judged by the audits of npm's graphql-http."""

import asyncio
import json
from pathlib import Path
from typing import Any, Final

from support.world import World

AUDITS: Final = 61


async def test_every_audit_passes(world: World, node_folder: Path) -> None:
    """The audits cover MUST, SHOULD and MAY."""
    world.write_insurers("sever")
    api = await world.api()
    audits = await asyncio.create_subprocess_exec(
        "node", "audits.mjs", api.graphql, api.token, cwd=node_folder, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await audits.communicate()
    outcomes: list[dict[str, Any]] = json.loads(printed)
    assert [outcome for outcome in outcomes if outcome["status"] != "ok"] == []
    assert len(outcomes) == AUDITS
