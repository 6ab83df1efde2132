"""One insurer's script: how it behaves to its next calls, and how to all others for as long as its mode holds."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sandbox.insurers.script.behaviours import AnyStep, Behaviour, Decline, Offer

BEHAVIOURS_MAX: Final = 1000


class ScriptTooLong(ValueError):
    """More than `BEHAVIOURS_MAX` behaviours are waiting for their calls."""


@dataclass(slots=True)
class _Line:
    behaviour: Behaviour
    left: int | None
    """None: for ever."""


class Script:
    """A queue: a call gets the first behaviour that is meant for it, and the mode if there is none."""

    def __init__(self) -> None:
        self._lines: list[_Line] = []
        self.mode: Behaviour | None = None

    def __iter__(self) -> Iterator[Behaviour]:
        """What is left, in order, with the times that are left of each."""
        return (line.behaviour.model_copy(update={"times": line.left or "forever"}) for line in self._lines)

    def append(self, *behaviours: Behaviour) -> None:
        """Raises `ScriptTooLong`, and then appends nothing."""
        if len(self._lines) + len(behaviours) > BEHAVIOURS_MAX:
            raise ScriptTooLong(f"more than {BEHAVIOURS_MAX} behaviours")
        self._lines += (_Line(each, None if each.times == "forever" else each.times) for each in behaviours)

    def replace(self, *behaviours: Behaviour) -> None:
        """The same with an empty script before it; the mode stays."""
        before, self._lines = self._lines, []
        try:
            self.append(*behaviours)
        except ScriptTooLong:
            self._lines = before
            raise

    def next(self, step: AnyStep, key: str) -> Behaviour | None:
        """How to behave to this call; uses it up."""
        for index, line in enumerate(self._lines):
            if _is_meant(line.behaviour, step, key):
                self._use(index)
                return line.behaviour
        return self.mode if self.mode and _is_meant(self.mode, step, key) else None

    def next_answer(self, key: str) -> Offer | Decline | None:
        """The next step of the script for a poll, if it is an answer; uses it up. For insurers that call back."""
        for index, line in enumerate(self._lines):
            if isinstance(line.behaviour, Offer | Decline) and _is_meant(line.behaviour, "poll", key):
                self._use(index)
                return line.behaviour
        mode = self.mode
        return mode if isinstance(mode, Offer | Decline) and _is_meant(mode, "poll", key) else None

    def _use(self, index: int) -> None:
        line = self._lines[index]
        if line.left is not None:
            line.left -= 1
            if not line.left:
                del self._lines[index]


def _is_meant(behaviour: Behaviour, step: AnyStep, key: str) -> bool:
    wanted = ("any", step) if step in ("create", "poll") else (step,)
    return behaviour.step in wanted and key.startswith(behaviour.key_prefix)
