"""The dialects that the sandbox speaks, found through entry points: every insurer speaks all of them.

Which one is spoken to it is decided by `adapter` in insurers.toml alone.
"""

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Final

from sandbox.insurers.wire.dialects.dialect import Dialect

GROUP: Final = "osago.sandbox_dialects"


def load_dialects() -> Mapping[str, Dialect]:
    """By name; ours, and those of every installed package that offers some."""
    return {entry.name: entry.load()() for entry in entry_points(group=GROUP)}
