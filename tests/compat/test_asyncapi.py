"""The AsyncAPI document, judged by the official parser."""

import json
from pathlib import Path

from compat.conftest import Node

from cli.asyncapi.asyncapi_document import asyncapi


async def test_the_official_parser_finds_nothing(node: Node, tmp_path: Path) -> None:
    """Neither an error nor a warning; it sees every channel."""
    written = tmp_path / "asyncapi.json"
    written.write_text(json.dumps(asyncapi()), encoding="utf-8")
    async with node("asyncapi.mjs", str(written)) as process:
        printed, failed = await process.communicate()
    assert process.returncode == 0, failed.decode()
    assert json.loads(printed) == {"problems": [], "channels": list(asyncapi()["channels"])}
