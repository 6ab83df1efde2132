"""What an insurer that calls back calls us with. Only its adapter knows what it means."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Call:
    """One call: its headers, by lower-case names, and its body. Either may hold personal data."""

    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def header(self, name: str) -> str:
        """Empty where there is none."""
        return self.headers.get(name.lower(), "")
