"""The state of the view: the order, the chosen insurer, a question that is being answered. Only keys change it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from app.domain.operators.control import WHY_LENGTH_MAX
from app.overview.insurer_concerns import FAILURES
from app.overview.system_snapshot import InsurerFigures, Snapshot

UP: Final = "up"
DOWN: Final = "down"
ENTER: Final = "enter"
ESCAPE: Final = "escape"
BACKSPACE: Final = "backspace"


def _troubles(one: InsurerFigures) -> float:
    failed = sum(count for status, count in one.answers.items() if status in FAILURES)
    is_open = one.circuit is not None and (one.circuit.state != "AVAILABLE" or one.circuit.forced is not None)
    return (
        1e7 * (one.trouble is not None)
        + 1e6 * is_open
        + 1e5 * (one.pause is not None)
        + 1e3 * (one.oldest_s or 0)
        + failed
    )


ORDERS: Final[Mapping[str, Callable[[InsurerFigures], float]]] = MappingProxyType(
    {
        "trouble": _troubles,
        "waiting": lambda one: one.waiting or 0,
        "in flight": lambda one: one.in_flight,
        "answers": lambda one: sum(one.answers.values()),
        "p99": lambda one: one.asking_p99_s or 0,
        "name": lambda _: 0,
    }
)
_NAMES: Final = tuple(ORDERS)


@dataclass(frozen=True, slots=True)
class Asking:
    """A question at the foot of the screen: why an insurer is paused, or resumed."""

    insurer_id: str
    is_paused: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class TopState:
    """`looked_into`: the view is that of the chosen insurer alone. `said`: what came of the last order."""

    order: str = _NAMES[0]
    chosen: str = ""
    is_looked_into: bool = False
    asking: Asking | None = None
    ordered: Asking | None = None
    """Answered: it is to be carried out."""
    said: str = ""
    is_over: bool = False


def in_order(state: TopState, snapshot: Snapshot) -> Sequence[InsurerFigures]:
    """The insurers as the view has them: the most of what they are ordered by first."""
    figure = ORDERS[state.order]
    return sorted(snapshot.insurers, key=lambda one: (-figure(one), one.name))


def chosen_of(state: TopState, snapshot: Snapshot) -> InsurerFigures | None:
    """The insurer that is chosen; the first one where that is there no more."""
    ordered = in_order(state, snapshot)
    return next((one for one in ordered if one.id == state.chosen), ordered[0] if ordered else None)


def pressed(state: TopState, key: str, snapshot: Snapshot) -> TopState:
    """The state after a key."""
    if state.asking:
        return _answered(state, state.asking, key)
    match key:
        case "up" | "k" | "down" | "j":
            changed = _moved(state, snapshot, -1 if key in {UP, "k"} else 1)
        case "q" | "\x03":
            changed = replace(state, is_over=True)
        case "s":
            changed = replace(state, order=_NAMES[(_NAMES.index(state.order) + 1) % len(_NAMES)])
        case "enter":
            changed = replace(state, is_looked_into=not state.is_looked_into)
        case "escape":
            changed = replace(state, is_looked_into=False, said="")
        case "p" if one := chosen_of(state, snapshot):
            changed = replace(state, asking=Asking(one.id, one.pause is not None), said="")
        case _:
            changed = state
    return changed


def _moved(state: TopState, snapshot: Snapshot, by: int) -> TopState:
    ids = [one.id for one in in_order(state, snapshot)]
    chosen = chosen_of(state, snapshot)
    if chosen is None:
        return state
    place = max(0, min(len(ids) - 1, ids.index(chosen.id) + by))
    return replace(state, chosen=ids[place])


def _answered(state: TopState, asking: Asking, key: str) -> TopState:
    match key:
        case "escape" | "\x03":
            return replace(state, asking=None)
        case "backspace":
            return replace(state, asking=replace(asking, why=asking.why[:-1]))
        case "enter" if asking.why.strip():
            return replace(state, asking=None, ordered=asking)
        case _ if len(key) == 1 and key.isprintable() and len(asking.why) < WHY_LENGTH_MAX:
            return replace(state, asking=replace(asking, why=asking.why + key))
        case _:
            return state
