"""The applications that the insurers have taken in. Bounded: the oldest are dropped first."""

from dataclasses import dataclass
from hashlib import blake2b
from math import inf

from sandbox.insurers.model.replies import Said
from sandbox.insurers.script.behaviours import Behaviour


@dataclass(slots=True)
class TakenIn:
    """An application with an insurer, and the answer that it has ready from some moment on."""

    id: str
    insurer_id: str
    key: str
    answer: Said
    ready_at: float
    """On the monotonic clock."""
    fault: Behaviour | None
    """Of its first poll."""
    always: Behaviour | None = None
    """Of every call of one step, where magic has it so."""

    def said(self, now: float) -> Said | None:
        """The answer, None as long as it is not ready."""
        return self.answer if self.ready_at <= now else None

    def settle(self, answer: Said) -> None:
        """Answers so from now on."""
        self.answer, self.ready_at = answer, -inf

    def take_fault(self) -> Behaviour | None:
        fault, self.fault = self.fault, None
        return fault


class Applications:
    """By id."""

    def __init__(self, count_max: int) -> None:
        self._count_max = count_max
        self._taken_in: dict[str, TakenIn] = {}

    def __len__(self) -> int:
        return len(self._taken_in)

    def get(self, insurer_id: str, application_id: str) -> TakenIn | None:
        """None also where it is another insurer's."""
        found = self._taken_in.get(application_id)
        return found if found and found.insurer_id == insurer_id else None

    def add(self, application: TakenIn) -> None:
        if len(self._taken_in) >= self._count_max:
            del self._taken_in[next(iter(self._taken_in))]
        self._taken_in[application.id] = application


def application_id(insurer_id: str, key: str) -> str:
    """Follows from the key, so that one key can never make two applications."""
    return blake2b(f"{insurer_id}\0{key}".encode(), digest_size=16).hexdigest()


def offer_number(insurer_id: str, application_id_: str) -> str:
    return f"{insurer_id}-{application_id_[:12]}".upper()
