"""Adapters of other packages: found through their entry point, without a change here."""

from pathlib import Path

import pytest
from support.packages import install
from support.world import World

from app.domain.errors import WrongSetting
from workers.adapters.registry import find_adapter

ADAPTER = """
from decimal import Decimal
from app.domain.money import roubles
from app.domain.quote import Offer
from workers.adapters.adapter import Adapter

class Generous(Adapter):
    async def create(self, application, idempotency_key):
        return Offer(number="1", premium=roubles(self.line.option("premium")))
"""


async def test_an_adapter_of_another_package_quotes(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is installed, named in insurers.toml, and called."""
    monkeypatch.syspath_prepend(install(tmp_path / "site", "generous", ADAPTER, {"generous": "generous:Generous"}))
    await world.insurers("sever", more={"adapter": "generous", "options": {"premium": "4321.10"}})
    api = await world.api()
    await world.worker()
    quote, _ = await world.watched(api, await world.accepted(api))
    assert quote["quote"]["offer"]["premium"]["amount"] == "4321.10"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere", "there is none; known are .*rest-poll"),
        ("broken", "cannot be loaded"),
        ("function", "is no class derived from Adapter"),
        ("rest-poll", "offered more than once"),
    ],
)
def test_what_cannot_be_used_is_one_clear_line(
    name: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Missing, broken, no adapter, or a name that is already taken."""
    offered = {"broken": "wrong:Missing", "function": "wrong:make", "rest-poll": "wrong:RestPoll"}
    monkeypatch.syspath_prepend(install(tmp_path / "site", "wrong", "def make(line): ...\n", offered))
    with pytest.raises(WrongSetting, match=message):
        find_adapter(name)
