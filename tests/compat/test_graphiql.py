"""GraphiQL as it is served, in a real browser, without internet."""

import asyncio
import json
from typing import Any, Final

from support.world import World

END_S_MAX: Final = 90.0
INSURERS: Final = ("sever", "volga", "zarya")


async def test_graphiql_creates_watches_and_resumes(world: World, node: Any, chromium: str) -> None:
    """Tab by tab, with the token of the page; nothing comes from another host."""
    await world.insurers(*INSURERS)
    world.set(graphiql_token=world.token())
    api = await world.api()
    await world.worker()
    async with node("graphiql.mjs", chromium, api.url) as process, asyncio.timeout(END_S_MAX):
        printed, problems = await process.communicate()
        assert process.returncode == 0, problems.decode()
    seen = json.loads(printed)
    assert (seen["foreign"], seen["wrong"]) == ([], [])
    assert seen["created"]["data"]["createQuoteRequest"]["watchToken"]
    assert sorted(quote["quote"]["insurer"]["id"] for quote in seen["quotes"]) == sorted(INSURERS)
    assert seen["end"]["outcome"] == "ALL_ANSWERED"
    assert (seen["resumed"]["ended"], seen["resumed"]["received"]) == ("completed by the server", len(INSURERS))
    again = [one["data"]["quotes"] for one in seen["resumed"]["newestFirst"]]
    assert again[1:] == seen["quotes"][:-1]
