"""How a process finds what it depends on: its servers, pub/sub, its machine's clock. Part of its report."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

LOOK_S_MAX: Final = 0.2
"""PostgreSQL or Redis is slow when the quickest process needs longer than this for a small statement."""
CLOCK_OFF_S_MAX: Final = 2.0
UNHEARD_S_MAX: Final = 5.0
"""The next attempt would have brought pub/sub back within this time."""


class ProcessHealth(msgspec.Struct, rename="camel", frozen=True, omit_defaults=True):
    """`looks`: seconds that the quickest of the last looks at each server took which takes work.

    `clock_off_s`: by how much the machine's clock is ahead of PostgreSQL's. `unheard_s`: seconds since pub/sub was heard.
    """

    looks: dict[str, float] = {}
    clock_off_s: float = 0.0
    unheard_s: float | None = None

    @property
    def is_clock_off(self) -> bool:
        return abs(self.clock_off_s) > CLOCK_OFF_S_MAX

    @property
    def is_deaf(self) -> bool:
        """Whether notifications have been missed for a while."""
        return self.unheard_s is not None and self.unheard_s > UNHEARD_S_MAX


def slow_servers(processes: Iterable[ProcessHealth]) -> Mapping[str, float]:
    """The servers that are slow for every process that reaches them: seconds of a look by the quickest one."""
    quickest: dict[str, float] = {}
    for one in processes:
        for server, seconds in one.looks.items():
            quickest[server] = min(seconds, quickest.get(server, seconds))
    return {server: seconds for server, seconds in quickest.items() if seconds > LOOK_S_MAX}
