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
from cli.quote.quote_words import (
    Slot,
    answer_of,
    best_of,
    doubts,
    ending_of,
    factors_of,
    mendable,
    notes_on,
    price,
    reason_of,
    refusals,
    retry,
    total,
)

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


class Board(Protocol):
    """The place where quotes are shown."""

    def refused(self, result: Mapping[str, Any], insurers: Sequence[str]) -> None: ...
    def showing(self, accepted: Mapping[str, Any]) -> Any: ...
    def show(self, event: Mapping[str, Any]) -> None: ...


class JsonLines:
    """Every event as a line of JSON, for programs."""

    def refused(self, result: Mapping[str, Any], insurers: Sequence[str]) -> None:  # noqa: ARG002 - the API's own words
        self.show(result)

    @contextmanager
    def showing(self, accepted: Mapping[str, Any]) -> Generator[None, None, None]:
        self.show({key: accepted[key] for key in ("__typename", "quoteRequest", "warnings")})
        yield

    def show(self, event: Mapping[str, Any]) -> None:
        print(json.dumps(event, ensure_ascii=False), flush=True)


class PlainText:
    """A line per answer, where output is no terminal."""

    def __init__(self) -> None:
        self._began_at = 0.0
        self._offers = 0

    def refused(self, result: Mapping[str, Any], insurers: Sequence[str]) -> None:
        for line in refusals(result, insurers):
            print(line, file=sys.stderr)

    @contextmanager
    def showing(self, accepted: Mapping[str, Any]) -> Generator[None, None, None]:
        self._began_at = time.monotonic()
        request = accepted["quoteRequest"]
        for line in doubts(accepted["warnings"]):
            print(line, file=sys.stderr)
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
        print(f"{since}  {quote['status']:<11}  {quote['insurer']['name']}: {answer_of(quote)}", flush=True)
        for line in mendable(quote):
            print(f"{'':23}{line}", flush=True)


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
            Panel(Text("\n".join(refusals(result, insurers))), title="Заявление не принято", border_style="red")
        )

    @contextmanager
    def showing(self, accepted: Mapping[str, Any]) -> Generator[None, None, None]:
        self._request = accepted["quoteRequest"]
        for line in doubts(accepted["warnings"]):
            self._console.print(Text(line, style="yellow"))
        self._slots = {quote["insurer"]["id"]: quote for quote in self._request["quotes"]}
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
        return Group(self._table(best), self._bar(), *self._mendable(), self._last_line(best))

    def _table(self, best: Slot | None) -> Table:
        table = Table(title=f"ОСАГО · запрос {self._request['id']}", title_style="bold", width=self._width)
        table.add_column("", width=1)
        table.add_column("Страховая компания", ratio=3, no_wrap=True)
        table.add_column("Ответ", ratio=5, no_wrap=True)
        table.add_column("К оплате", justify="right", width=13)
        table.add_column("Через", justify="right", width=7)
        for slot in sorted(self._slots.values(), key=self._rank):
            word, style = _STATUSES[slot["status"]]
            said = reason_of(slot) or (notes_on(slot["offer"]) if slot["offer"] else "")
            pending = slot["status"] == "PENDING"
            arrived = self._arrived.get(slot["insurer"]["id"])
            table.add_row(
                "★" if slot is best else "",
                Text(slot["insurer"]["name"], style="bold" if slot is best else ""),
                self._thinking if pending else Text(said or word, style=style),
                Text(price(slot), style="bold green" if slot is best else style),
                "" if arrived is None else f"{arrived:.1f} с".replace(".", ","),
            )
        return table

    def _rank(self, slot: Slot) -> tuple[int, Decimal, float]:
        order = {"OFFERED": 0, "PENDING": 1}.get(slot["status"], 2)
        return (order, total(slot) or Decimal(0), self._arrived.get(slot["insurer"]["id"], 0.0))

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

    def _mendable(self) -> list[RenderableType]:
        return [Text(f"Исправить — {line}", style="yellow") for slot in self._slots.values() for line in mendable(slot)]

    def _last_line(self, best: Slot | None) -> RenderableType:
        if self._end and self._end["stub"]:
            stub = self._end["stub"]
            return Panel(
                f"{stub['message']}{retry(stub)}", title=stub["title"], border_style="yellow", width=self._width
            )
        if best is None:
            return Text("Ждём первого предложения …", style="dim")
        offers = sum(slot["status"] == "OFFERED" for slot in self._slots.values())
        word = "Пока лучшее" if not self._end else "Лучшее предложение" if offers > 1 else "Предложение"
        line = Text.assemble(f"{word}: ", (best["insurer"]["name"], "bold"), " — ", (price(best), "bold green"))
        if factors := factors_of(best["offer"]):
            line.append(f"\n{factors}", style="dim")
        if best["offer"]["purchaseUrl"]:
            line.append(f"\nКупить: {best['offer']['purchaseUrl']}", style="cyan")
        return line
