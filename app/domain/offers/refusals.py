"""Refusals that the customer can mend: which of them there are, and where in the application."""

from collections.abc import Iterable
from types import MappingProxyType
from typing import Annotated, Any, Final

import msgspec

from app.domain.offers.offer_bounds import Bound, field_bounds, plain_code

PROBLEMS_MAX: Final = 20
PATH_LENGTH_MAX: Final = 12
PATH_PART_LENGTH_MAX: Final = 64
DATA_NOT_CONFIRMED: Final = "DATA_NOT_CONFIRMED"
DOCUMENTS_WANTED: Final = "DOCUMENTS_WANTED"
POLICY_EXISTS: Final = "POLICY_EXISTS"
MENDABLE: Final = (DATA_NOT_CONFIRMED, DOCUMENTS_WANTED, POLICY_EXISTS)
"""Codes of refusals, of insurers and of this project alike."""
STARTS_TOO_SOON: Final = "STARTS_TOO_SOON"
"""Ours alone: an insurer that takes no so early a start is not asked."""
_OTHER: Final = "Страховая компания просит проверить эти данные."
_MESSAGES: Final = MappingProxyType(
    {
        DATA_NOT_CONFIRMED: "Страховая компания не нашла этих данных в базах. Проверьте, пожалуйста, нет ли опечатки.",
        DOCUMENTS_WANTED: "Страховая компания просит прислать этот документ.",
        STARTS_TOO_SOON: "Эта компания оформляет полис не так скоро. С более поздним началом она ответит.",
        POLICY_EXISTS: "Действующий полис ОСАГО на эти даты уже есть. Проверьте, пожалуйста, начало страхования.",
    }
)


def problem_path(path: Iterable[str]) -> tuple[str, ...] | None:
    """A path of short parts; None if it is none."""
    if not isinstance(path, tuple | list) or len(path) > PATH_LENGTH_MAX:
        return None
    is_path = all(isinstance(part, str) and 0 < len(part) <= PATH_PART_LENGTH_MAX for part in path)  # pyright: ignore[reportUnnecessaryIsInstance]
    return tuple(path) if is_path else None


class MendableProblem(msgspec.Struct, frozen=True):
    """A problem to mend: a path into the application, and the insurer's own code, or one from above where it gave none."""

    path: Annotated[tuple[str, ...], Bound(problem_path)]
    code: Annotated[str, Bound(plain_code)] = DATA_NOT_CONFIRMED

    @property
    def message(self) -> str:
        """Our own sentence in Russian: an insurer's may echo personal data."""
        return _MESSAGES.get(self.code, _OTHER)


PROBLEM_BOUNDS: Final = field_bounds(MendableProblem)


def refusal_problems(problems: Iterable[MendableProblem]) -> tuple[MendableProblem, ...]:
    """The problems within their bounds, at most `PROBLEMS_MAX`: each helps by itself."""
    if not isinstance(problems, tuple | list):
        return ()
    kept = (_bounded(problem) for problem in problems[:PROBLEMS_MAX])
    return tuple(problem for problem in kept if problem is not None)


def _bounded(problem: Any) -> MendableProblem | None:
    if not isinstance(problem, MendableProblem):
        return None
    values = {name: read(getattr(problem, name)) for name, read, _ in PROBLEM_BOUNDS}
    if None in values.values():
        return None
    kept = MendableProblem(**values)
    return problem if kept == problem else kept
