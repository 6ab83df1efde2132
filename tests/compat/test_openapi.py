"""REST, judged by schemathesis: every request that its OpenAPI document allows is answered as documented."""

import asyncio
import sys
from typing import Final

from support.world import World

RUN_S_MAX: Final = 100
# An application that has the right form is refused where it makes no sense (422), and an unknown field is left aside.
NOT_OURS: Final = "positive_data_acceptance,negative_data_rejection"


async def test_schemathesis_finds_nothing(world: World) -> None:
    """Examples, edges of every schema, random input, and calls that follow from each other."""
    world.write_insurers("sever", "volga")
    world.set(quote_deadline="1.2s", end_margin="1s")  # an event stream lasts as long as its request
    api = await world.api()
    command = ("-m", "schemathesis.cli", "run", f"{api.url}/osago/openapi.json", "--header")
    options = (
        "--exclude-checks",
        NOT_OURS,
        "--max-examples",
        "15",
        "--seed",
        "1",
        "--no-color",
        "--max-failures",
        "10",
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *command, f"Authorization: Bearer {api.token}", *options),
        cwd=world.folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(RUN_S_MAX):
        printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()
