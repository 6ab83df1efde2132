"""docs/clients.md shows what is run: each of its lines of JavaScript stands in the program that the tests start."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_block_is_that_of_the_program() -> None:
    """As it stands there, indentation apart."""
    page = (ROOT / "docs/clients.md").read_text(encoding="utf-8")
    program = unindented((ROOT / "tests/compat/subscribe.mjs").read_text(encoding="utf-8"))
    blocks = re.findall(r"^```js\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    assert len(blocks) > 8
    for block in blocks:
        assert unindented(block) in program, block


def unindented(text: str) -> str:
    return re.sub(r"^ +", "", text, flags=re.MULTILINE)
