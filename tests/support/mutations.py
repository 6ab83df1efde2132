"""Good messages made bad, by a seed: the same number makes the same nonsense."""

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

_VALUES: Sequence[Any] = (
    None, True, False, 0, -1, 1e308, 2**63, -(2**70), 0.1, "", "x", "\u0000", "\u202e", "я" * 300, "{", "NaN", "-0", "1e5",
    [], {}, [[]], [None], {"": ""}, {"__proto__": {}}, [[[[[]]]]], {"a": {"b": {"c": {}}}}, ["x"] * 300,
)  # fmt: skip
_TEXTS: Sequence[bytes] = (
    b"", b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\\ud800", b"\xef\xbb\xbf", b"{", b"}", b"[" * 200, b'"', b"NaN", b"Infinity",
    b"1e99999", b"\\u0000", b",,", b"/*", b"null", b"\r\n\r\n", b"\xf0\x9f\x92\xa9" * 20,
)  # fmt: skip


class Mutator:
    """A stream of bad messages."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def message(self, good: Sequence[Any]) -> bytes:
        """One of the good messages, with one to four things wrong; now and then with nothing wrong."""
        message = json.loads(json.dumps(self.random.choice(good)))
        for _ in range(self.random.randrange(4)):
            message = self._with_another_value(message)
        text = json.dumps(message, ensure_ascii=self.random.random() < 0.5).encode()
        for _ in range(self.random.choice((0, 0, 0, 1, 1, 3))):
            text = self._with_other_bytes(text)
        return text

    def _with_another_value(self, message: Any) -> Any:
        places: list[Callable[[Any], None]] = []
        removals: list[Callable[[], Any]] = []
        _gather(message, places, removals)
        if not places:
            return self.random.choice(_VALUES)
        if self.random.random() < 0.3:
            self.random.choice(removals)()
        else:
            self.random.choice(places)(json.loads(json.dumps(self.random.choice(_VALUES))))
        return message

    def _with_other_bytes(self, text: bytes) -> bytes:
        at = self.random.randrange(len(text) + 1)
        match self.random.randrange(5):
            case 0:
                return text[:at]
            case 1:
                return text[:at] + self.random.choice(_TEXTS) + text[at:]
            case 2:
                return text[:at] + bytes([self.random.randrange(256)]) + text[at + 1 :]
            case 3:
                return text[:at] + text[at : at + 40] * self.random.randrange(1, 20) + text[at:]
            case _:
                return text[: at // 2] + text[at:]


def _gather(message: Any, places: list[Callable[[Any], None]], removals: list[Callable[[], Any]]) -> None:
    """Every place in a message, as what sets it, and as what removes it."""
    entries = (
        list(message.items())
        if isinstance(message, dict)
        else list(enumerate(message))
        if isinstance(message, list)
        else []
    )
    for key, value in entries:
        places.append(lambda new, holder=message, key=key: holder.__setitem__(key, new))
        removals.append(lambda holder=message, key=key: holder.__delitem__(key))
        _gather(value, places, removals)
