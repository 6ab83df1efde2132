"""The senders' own book: when each request to an insurer was written, by all worker processes of a test."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

_BOOKED: Final = Path(__file__).parent / "booked"
_METHODS: Final = {"create": "POST", "poll": "GET"}


class SendersBook:
    """Kept in a folder by every process that is started with `environment`."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder / "senders-book"
        self._folder.mkdir()
        self.environment = {**environment, "PYTHONPATH": str(_BOOKED), "SENDERS_BOOK": str(self._folder)}

    def moments(self, step: str) -> list[float]:
        """Monotonic seconds at which requests of this step were written (of an insurer that polls by GET), in order."""
        method = _METHODS[step]
        books = (path.read_text(encoding="ascii").splitlines() for path in self._folder.iterdir())
        lines = (line.split() for book in books for line in book)
        return sorted(float(moment) for name, moment in lines if name == method)


def most_in_any_second(moments: Sequence[float]) -> int:
    """However the second is laid; the moments are in order."""
    most = first = 0
    for last, moment in enumerate(moments):
        while moments[first] <= moment - 1:
            first += 1
        most = max(most, last - first + 1)
    return most
