"""Trusted documents as other people's tools write them: the API runs nothing else, and their clients query, mutate and watch by id."""

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
from support.commands import typed_beside
from support.world import World

ROOT: Final = Path(__file__).parents[3]
INSURERS: Final = ("sever", "volga")
END_S_MAX: Final = 60.0
TOOLS: Final = {
    "apollo": ("generate-persisted-query-manifest", "--config", "manifest.json"),
    "relay": ("relay-compiler", "relay.config.json", "--noWatchman"),
}


def written_by(tool: str, node_folder: Path) -> Path:
    """The file that the tool makes of the app's operations."""
    file = node_folder / "trusted" / f"{tool}.json"
    file.write_text("{}", encoding="utf-8")  # Relay adds to what is there
    program, *arguments = TOOLS[tool]
    done = subprocess.run(  # noqa: S603 - of the folder's lock
        [node_folder / "node_modules" / ".bin" / program, *arguments],
        cwd=file.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return file


@pytest.mark.parametrize(("client", "ways"), [("apollo", 2), ("relay", 1)])
async def test_a_client_runs_by_the_ids_of_its_tools_file(
    client: str, ways: int, world: World, node: Any, node_folder: Path
) -> None:
    """Where nothing else is run: over HTTP, and over a socket; Apollo's subscriptions over HTTP, too. Then all are used."""
    file = await asyncio.to_thread(written_by, client, node_folder)
    world.set(trusted_documents=file, only_trusted_documents=True)
    await world.insurers(*INSURERS)
    api = await world.api()
    await world.worker()
    async with node("trusted.mjs", client, api.url, api.token, json.dumps(world.new_request())) as process:
        async with asyncio.timeout(END_S_MAX):
            out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
    insurers, *events = [json.loads(line) for line in out.splitlines()]
    assert [one["id"] for one in insurers] == list(INSURERS)
    assert len(events) == ways * (len(INSURERS) + 1)
    for first in range(0, len(events), len(INSURERS) + 1):
        watched = events[first : first + len(INSURERS) + 1]
        assert sorted(event["quote"]["insurer"]["id"] for event in watched[:-1]) == sorted(INSURERS)
        assert watched[-1]["outcome"] == "ALL_ANSWERED"
    code = (await api.post("{ __typename }")).json()["errors"][0]["extensions"]["code"]
    assert code == "UNTRUSTED_DOCUMENT"
    checked = await typed_beside(world, "documents", "check", "--schema", str(ROOT / "schema.graphql"))
    assert checked.returncode == 0, checked.stdout
    assert "3 documents in 1 file," in checked.stdout
