"""docs/clients.md shows what is run: each of its lines stands in a program that the tests start."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAMS = {"js": ROOT / "tests/compat/subscribe.mjs", "python": ROOT / "tests/compat/subscribe.py"}


def test_every_block_is_that_of_the_program() -> None:
    """The text is equal but for the indentation."""
    page = (ROOT / "docs/clients.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```(js|python)\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    assert len(blocks) > 10
    for language, block in blocks:
        assert unindented(block) in unindented(PROGRAMS[language].read_text(encoding="utf-8")), block


def test_all_programs_subscribe_to_one_selection() -> None:
    """That of the page: gql has it, too, and what Relay's compiler is given."""
    selection = re.compile(r"\{ quotes\(.*?outcome \} \} \}", re.DOTALL)
    sources = [*PROGRAMS.values(), ROOT / "tests/compat/relay/watch.js", ROOT / "docs/clients.md"]
    assert len({selection.findall(source.read_text(encoding="utf-8"))[0] for source in sources}) == 1


def unindented(text: str) -> str:
    return re.sub(r"^ +", "", text, flags=re.MULTILINE)
