"""The Russian words of `osago quote` for requests, offers and refusals."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

Slot = Mapping[str, Any]
"""A quote as the API sends it."""
FACTORS: Final = (
    ("territory", "КТ"),
    ("bonusMalus", "КБМ"),
    ("ageExperience", "КВС"),
    ("driverRestriction", "КО"),
    ("power", "КМ"),
    ("season", "КС"),
    ("trailer", "КПр"),
)


def ending_of(event: Mapping[str, Any], offers: int) -> str:
    """The end in a line: the best of so many offers, or the stub."""
    if event["stub"]:
        return f"{event['stub']['title']}. {event['stub']['message']}{retry(event['stub'])}"
    best = event["bestQuote"]
    word = "лучшее предложение" if offers > 1 else "предложение"
    return f"{word} — {best['insurer']['name']}, {price(best)}" if best else "предложений нет"


def best_of(slots: Any) -> Slot | None:
    """The cheapest offer, mandatory extras included."""
    return min((slot for slot in slots if slot["offer"]), key=lambda slot: total(slot) or Decimal(0), default=None)


def total(slot: Slot) -> Decimal | None:
    """The amount to pay: the premium and every mandatory extra; None without an offer."""
    return Decimal(slot["offer"]["total"]["amount"]) if slot["offer"] else None


def price(slot: Slot) -> str:
    """The total as Russians write it; empty without an offer."""
    amount = total(slot)
    return "" if amount is None else roubles(amount)


def roubles(amount: Decimal) -> str:
    """`5 432,10 ₽`, with spaces that do not break."""
    return f"{amount:,.2f} ₽".replace(",", "\u00a0").replace(".", ",")


def notes_on(offer: Mapping[str, Any]) -> str:
    """Notes on an unusual offer: mandatory extras in its price, a start that the insurer moves. Mostly empty."""
    extras = [
        f"{extra['name']} {roubles(Decimal(extra['price']['amount']))}"
        for extra in offer["extras"]
        if extra["isMandatory"]
    ]
    parts = [f"в цене обязательно: {', '.join(extras)}"] if extras else []
    if offer["startsOn"]:
        year, month, day = offer["startsOn"].split("-")
        parts.append(f"начало {day}.{month}.{year}")
    return "; ".join(parts)


def factors_of(offer: Mapping[str, Any]) -> str:
    """`7575 × КТ 1,8 × КБМ 1,17 …`, each driver's own behind; empty where the insurer reports none."""
    factors = offer["coefficients"]
    if not factors:
        return ""
    product = " × ".join([factors["baseRate"], *(f"{name} {factors[key]}" for key, name in FACTORS)])
    drivers = [
        f"водитель {place}: КБМ {driver['bonusMalus']}, КВС {driver['ageExperience']}"
        for place, driver in enumerate(factors["drivers"] or (), start=1)
    ]
    return "; ".join([product, *drivers]).replace(".", ",")


def reason_of(slot: Slot) -> str:
    """Why there is no offer; empty with one."""
    return slot["reason"]["message"] if slot["reason"] else ""


def answer_of(slot: Slot) -> str:
    """A price with what is unusual about the offer, or why there is none."""
    if not slot["offer"]:
        return reason_of(slot)
    notes = notes_on(slot["offer"])
    return f"{price(slot)} ({notes})" if notes else price(slot)


def doubts(warnings: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line for each thing in an accepted application that may be a typing error."""
    return [f"Проверьте {'.'.join(warning['path'])}: {warning['message']}" for warning in warnings]


def mendable(slot: Slot) -> list[str]:
    """A line for each thing that can be mended, so that this insurer may offer after all."""
    problems = slot["reason"]["problems"] if slot["reason"] else ()
    return [f"{slot['insurer']['name']}: {'.'.join(problem['path'])}: {problem['message']}" for problem in problems]


def retry(stub: Mapping[str, Any]) -> str:
    """When it makes sense to ask again, behind a sentence."""
    seconds = stub["retryAfterSeconds"]
    return f" Повторить имеет смысл через {seconds} с." if seconds else ""


def refusals(result: Mapping[str, Any], insurers: Sequence[str]) -> list[str]:
    """A line for each problem. The API repeats nothing that was sent; an insurer's id is this command's own to repeat."""
    if result["__typename"] == "RateLimited":
        return [f"Слишком много запросов: повторите через {result['retryAfterSeconds']:.0f} с."]
    lines = [f"{_place(problem['path'], insurers)}: {problem['message']}" for problem in result["problems"]]
    if any(problem["code"] == "INSURER_UNKNOWN" for problem in result["problems"]):
        lines.append("Доступные страховые компании показывает `osago insurers`.")
    return lines


def _place(path: Sequence[str], insurers: Sequence[str]) -> str:
    match path:
        case ["insurerIds", place]:
            return f"insurerIds.{place} ({insurers[int(place)]})"
        case _:
            return ".".join(path)
