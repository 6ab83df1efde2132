"""`osago tariff`: the edition of the tariff that is in force on a day, and the factor of a place."""

import sys
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.table import Table

from app.domain.errors import WrongSetting
from app.domain.intake.moscow_calendar import moscow_day
from app.domain.tariff.edition import Edition
from app.domain.tariff.edition_loader import load_editions
from app.runtime.clock import Clock
from cli.demo_settings import load_settings
from cli.tariff.tariff_listing import ListedFigures, place_row, tables

_MARKS = (
    "Marks: S two public sources agree, S1 one transcription, M from memory, unverified. – is not known, or cannot be."
)
_KLADR_DIGITS = range(2, 20)


def print_tariff(on: str, kladr: str, folder: Path | None) -> bool:
    """Prints what is known; returns whether the edition, and the place if one is named, are known."""
    day = _day(on)
    if kladr and not (kladr.isascii() and kladr.isdigit() and len(kladr) in _KLADR_DIGITS):
        raise WrongSetting("--kladr: expected 2 to 19 digits")
    editions = load_editions(folder or load_settings().tariff_folder)
    edition = editions.on(day)
    if edition is None:
        print(f"{day}: the tariff is not known; the first edition here holds from {editions.known[0].in_force_from} on")
        return False
    amends = f", amends {edition.amends}" if edition.amends else ""
    print(f"{edition.name}, in force from {edition.in_force_from}{amends}. {_MARKS}\n")
    return _print_place(edition, kladr) if kladr else _print_all(edition)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text) if text else moscow_day(Clock().now())
    except ValueError:
        raise WrongSetting("--on: expected a date such as 2026-06-22") from None


def _print_all(edition: Edition) -> bool:
    for table in tables(edition):
        _print(table)
    return True


def _print_place(edition: Edition, kladr: str) -> bool:
    place = edition.territory.find(kladr)
    if place is None:
        print(f"{kladr}: КТ of this place is not known; an offer for it is not held against one")
        if capital := edition.territory.capital(kladr):
            print(
                f"The sandbox assumes that of {capital.name} ({capital.region}): {capital.factor.value} {capital.factor.mark}"
            )
        return False
    (territory,) = (table for table in tables(edition) if table.title == "КТ")
    _print(ListedFigures(territory.title, territory.head, (place_row(place),)))
    return True


def _print(shown: ListedFigures) -> None:
    table = Table(*shown.head, title=shown.title, title_justify="left", box=None, pad_edge=False)
    for row in shown.rows:
        table.add_row(*row)
    # Through a pipe the lines are whole.
    Console(width=None if sys.stdout.isatty() else 400, soft_wrap=True, highlight=False).print(table)
    print()
