"""Three ways to show quotes as they arrive: a live table, plain lines, lines of JSON."""

import json
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Final, Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live as RichLive
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from app.domain.plurals import counted

_STATUSES: Final = {
    "PENDING": ("считает", "dim"),
    "OFFERED": ("предложение", "green"),
    "DECLINED": ("отказ", "yellow"),
    "FAILED": ("сбой", "red"),
    "UNAVAILABLE": ("недоступна", "red"),
    "TIMED_OUT": ("не успела", "magenta"),
    "CANCELLED": ("отменено", "dim"),
}
_REFRESH_PER_S: Final = 10
_WIDTH_MAX: Final = 100

Slot = Mapping[str, Any]


class Board(Protocol):
    """Where quotes are shown."""

    def refused(self, result: Mapping[str, Any], insurers: Sequence[str]) -> None: ...
    def showing(self, request: Mapping[str, Any]) -> Any: ...
    def show(self, event: Mapping[str, Any]) -> None: ...


class JsonLines:
    """Every event as a line of JSON, for programs."""

    def refused(self, result: Mapping[str, Any], insurers: Sequence[str]) -> None:  # noqa: ARG002 - the API's own words
        self.show(result)

    @contextmanager
    def showing(self, request: Mapping[str, Any]) -> Generator[None, None, None]:
        self.show({"__typename": "QuoteRequestAccepted", "quoteRequest": request})
        yield

    def show(self, event: Mapping[str, Any]) -> None:
        print(json.dumps(event, ensure_ascii=False), flush=True)


class PlainText:
    """A line per answer, where output is no terminal."""

    def __init__(self) -> None:
        self._began_at = 0.0
        self._offers = 0

    def refused(self, result: Mapping[str, Any], insurers: Sequence[str]) -> None:
        for line in _refusals(result, insurers):
            print(line, file=sys.stderr)

    @contextmanager
    def showing(self, request: Mapping[str, Any]) -> Generator[None, None, None]:
        self._began_at = time.monotonic()
        asked = counted(len(request["quotes"]), "страховая компания", "страховые компании", "страховых компаний")
        print(f"{request['id']}: {asked}", flush=True)
        yield

    def show(self, event: Mapping[str, Any]) -> None:
        since = f"{time.monotonic() - self._began_at:6.1f} с"
        if event["__typename"] == "QuotesCompleted":
            print(f"{since}  {event['outcome']}: {ending_of(event, self._offers)}", flush=True)
            return
        quote = event["quote"]
        self._offers += quote["status"] == "OFFERED"
        answer = money(quote) or reason_of(quote)
        print(f"{since}  {quote['status']:<11}  {quote['insurer']['name']}: {answer}", flush=True)


class LiveTable:
    """A table that fills while you watch."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._slots: dict[str, Slot] = {}
        self._arrived: dict[str, float] = {}
        self._request: Mapping[str, Any] = {}
        self._began_at = time.monotonic()
        self._end: Mapping[str, Any] | None = None
        self._thinking = Spinner("dots", style="dim")
        self._width = min(self._console.width, _WIDTH_MAX)

    def refused(self, result: Mapping[str, Any], insurers: Sequence[str]) -> None:
        self._console.print(
            Panel(Text("\n".join(_refusals(result, insurers))), title="Заявление не принято", border_style="red")
        )

    @contextmanager
    def showing(self, request: Mapping[str, Any]) -> Generator[None, None, None]:
        self._request = request
        self._slots = {quote["insurer"]["id"]: quote for quote in request["quotes"]}
        self._began_at = time.monotonic()
        with RichLive(self, console=self._console, refresh_per_second=_REFRESH_PER_S):
            yield

    def show(self, event: Mapping[str, Any]) -> None:
        if event["__typename"] == "QuotesCompleted":
            self._end = event
            return
        insurer_id = event["quote"]["insurer"]["id"]
        self._slots[insurer_id] = event["quote"]
        self._arrived[insurer_id] = time.monotonic() - self._began_at

    def __rich__(self) -> RenderableType:
        best = best_of(self._slots.values())
        return Group(self._table(best), self._bar(), self._last_line(best))

    def _table(self, best: Slot | None) -> Table:
        table = Table(title=f"ОСАГО · запрос {self._request['id']}", title_style="bold", width=self._width)
        table.add_column("", width=1)
        table.add_column("Страховая компания", ratio=3, no_wrap=True)
        table.add_column("Ответ", ratio=5, no_wrap=True)
        table.add_column("Премия", justify="right", width=13)
        table.add_column("Через", justify="right", width=7)
        for slot in sorted(self._slots.values(), key=self._rank):
            word, style = _STATUSES[slot["status"]]
            reason = reason_of(slot)
            pending = slot["status"] == "PENDING"
            arrived = self._arrived.get(slot["insurer"]["id"])
            table.add_row(
                "★" if slot is best else "",
                Text(slot["insurer"]["name"], style="bold" if slot is best else ""),
                self._thinking if pending else Text(reason or word, style=style),
                Text(money(slot), style="bold green" if slot is best else style),
                "" if arrived is None else f"{arrived:.1f} с".replace(".", ","),
            )
        return table

    def _rank(self, slot: Slot) -> tuple[int, Decimal, float]:
        order = {"OFFERED": 0, "PENDING": 1}.get(slot["status"], 2)
        return (order, premium(slot) or Decimal(0), self._arrived.get(slot["insurer"]["id"], 0.0))

    def _bar(self) -> RenderableType:
        total = self._request["remainingSeconds"]
        passed = min(time.monotonic() - self._began_at, total)
        answered = sum(slot["status"] != "PENDING" for slot in self._slots.values())
        grid = Table.grid(padding=(0, 1), expand=False)
        left = "конец" if self._end else f"осталось {total - passed:.0f} с"
        style = "green" if self._end else "cyan" if passed < total * 2 / 3 else "yellow"
        bar = ProgressBar(total=total, completed=total if self._end else passed, width=40, complete_style=style)
        grid.add_row(bar, f"{answered} из {len(self._slots)}", left)
        return grid

    def _last_line(self, best: Slot | None) -> RenderableType:
        if self._end and self._end["stub"]:
            stub = self._end["stub"]
            return Panel(
                f"{stub['message']}{_retry(stub)}", title=stub["title"], border_style="yellow", width=self._width
            )
        if best is None:
            return Text("Ждём первого предложения …", style="dim")
        offers = sum(slot["status"] == "OFFERED" for slot in self._slots.values())
        word = "Пока лучшее" if not self._end else "Лучшее предложение" if offers > 1 else "Предложение"
        line = Text.assemble(f"{word}: ", (best["insurer"]["name"], "bold"), " — ", (money(best), "bold green"))
        if best["offer"]["purchaseUrl"]:
            line.append(f"\nКупить: {best['offer']['purchaseUrl']}", style="cyan")
        return line


def ending_of(event: Mapping[str, Any], offers: int) -> str:
    """The end in a line: the best of so many offers, or the stub."""
    if event["stub"]:
        return f"{event['stub']['title']}. {event['stub']['message']}{_retry(event['stub'])}"
    best = event["bestQuote"]
    word = "лучшее предложение" if offers > 1 else "предложение"
    return f"{word} — {best['insurer']['name']}, {money(best)}" if best else "предложений нет"


def best_of(slots: Any) -> Slot | None:
    """The cheapest offer."""
    return min((slot for slot in slots if slot["offer"]), key=lambda slot: premium(slot) or Decimal(0), default=None)


def premium(slot: Slot) -> Decimal | None:
    return Decimal(slot["offer"]["premium"]["amount"]) if slot["offer"] else None


def reason_of(slot: Slot) -> str:
    """Why there is no offer; empty with one."""
    return slot["reason"]["message"] if slot["reason"] else ""


def money(slot: Slot) -> str:
    """The premium as Russians write it; empty without an offer."""
    amount = premium(slot)
    return "" if amount is None else f"{amount:,.2f} ₽".replace(",", "\u00a0").replace(".", ",")


def _retry(stub: Mapping[str, Any]) -> str:
    seconds = stub["retryAfterSeconds"]
    return f" Повторить имеет смысл через {seconds} с." if seconds else ""


def _refusals(result: Mapping[str, Any], insurers: Sequence[str]) -> list[str]:
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
