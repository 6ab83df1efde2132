"""Editions are files: what one must be like, how it is chosen, and that another one needs no code."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Final

import pytest

from app.domain.errors import WrongSetting
from app.domain.tariff.edition import Edition
from app.domain.tariff.edition_file import read_edition
from app.domain.tariff.edition_loader import load_editions

OWN: Final = sorted(files("app.domain.tariff").joinpath("data").iterdir(), key=lambda file: file.name)
TEXTS: Final = [file.read_text(encoding="utf-8") for file in OWN]
FULL: Final = TEXTS[0]
THIRD: Final = """
name = "8000-У"
in_force_from = 2027-03-01
amends = "7349-У"

[cap]
applies = false
times = "3 M"
source = "a law of tomorrow"

[base_rates]
source = "8000-У"
mark = "S1"
motorcycle = { floor = "155", ceiling = "4260" }
car_of_organisation = { floor = "724", ceiling = "6580" }
car = { floor = "1500", ceiling = "9000 S" }
taxi = { floor = "1267", ceiling = "18119" }
light_lorry = { floor = "791", ceiling = "13709" }
heavy_lorry = { floor = "1489", ceiling = "17201" }
small_bus = { floor = "940", ceiling = "7846" }
large_bus = { floor = "1175", ceiling = "9805" }
regular_route_bus = { floor = "2295", ceiling = "11732" }
trolleybus = { floor = "1254", ceiling = "6411" }
tram = { floor = "783", ceiling = "3999" }
tractor = { floor = "383", ceiling = "3678" }

[territory]
source = "8000-У"
mark = "S1"
towns = [["16000002", "Республика Татарстан", "Набережные Челны", "1.30", ""]]
"""


def test_a_third_edition_is_only_a_file(tmp_path: Path) -> None:
    """It holds from its day on, with the figures that it names; all others are those of the edition that it amends."""
    (tmp_path / "2027-03-01.toml").write_text(THIRD, encoding="utf-8")
    editions = load_editions(tmp_path)
    before, third = editions.on(date(2027, 2, 28)), editions.on(date(2027, 3, 1))
    assert before is not None
    assert third is not None
    assert (before.name, third.name) == ("7349-У", "8000-У")
    town = third.territory.find("1600000200000")
    assert town is not None
    assert town.factor.value == Decimal("1.30")
    assert (third.cap, len(third.territory.places)) == (None, len(before.territory.places) + 1)
    assert third.season == before.season
    assert [edition.name for edition in load_editions().known] == ["7204-У", "7349-У"]


@pytest.mark.parametrize("text", TEXTS)
def test_a_figure_without_a_mark_or_a_source_is_not_read(text: str) -> None:
    """The rule holds for every table of an edition."""
    earlier = {"7204-У": read_edition(FULL, {})} if "amends" in text else {}
    tables = re.split(r"\n(?=\[)", text)
    for index, table in enumerate(tables):
        unmarked = re.sub(r'^mark = .*\n|(?<=\d) (?:S1|S|M)(?=")', "", table, flags=re.MULTILINE)
        unsourced = re.sub(r"^source = .*\n", 'source = ""\n', table, flags=re.MULTILINE)
        if index == 0:
            continue
        for broken, what in ((unmarked, "mark"), (unsourced, "source")):
            with pytest.raises(WrongSetting, match=f"a figure without a {what}"):
                read_edition("\n".join([*tables[:index], broken, *tables[index + 1 :]]), earlier)


def instead(old: str, new: str) -> Callable[[str], str]:
    """The text with another line in place of one that it must have."""

    def change(text: str) -> str:
        assert old in text, old
        return text.replace(old, new, 1)

    return change


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (instead('car = { floor = "1399 S1"', 'car = { floor = "8666 S1"'), "base_rates.car: the floor is above"),
        (instead('"5" = "0.91"', '"5" = "1.01"'), "bonus_malus.classes.5: larger than that of the worse class 4"),
        (instead('"5" = "0.91", ', ""), "bonus_malus.classes: expected М, 0,"),
        (instead('8 = "0.9"', '8 = "0.79"'), "season.months.8: smaller than that of fewer months"),
        (instead(', 12 = "1"', ""), "season.months: expected 3 to 12"),
        (instead("ages = [25, 29]", "ages = [26, 29]"), "age_experience.motorcycle, age 26: follows 24"),
        (instead('"1.54", "1.09", "1.08", "1.07", "1.02"]', '"1.54", "1.09"]'), "other, age 25: 4 factors, expected 7"),
        (instead("ages = [60, 150]", "ages = [60, 70]"), "age_experience.motorcycle.bands: end before the age of 100"),
        (instead("up_to_hp = [50, 70,", "up_to_hp = [50, 50,"), "power.car.up_to_hp: does not grow"),
        (instead('"1.4", "1.6"]', '"1.6"]'), "power.car.factors: expected 6"),
        (instead('["50", "Моск', '["77", "Моск'), "territory: a КЛАДР code stands twice"),
        (instead('["50", "Моск', '["7x", "Моск'), "a code begins with 2 to 19 digits"),
        (instead('"1.80", "1.16"]', '"1,80", "1.16"]'), "territory, 77 Москва: expected a figure and its mark"),
        (instead('"1.80", "1.16"]', '"1.80 X", "1.16"]'), "territory, 77 Москва: expected a figure and its mark"),
        (instead('"1.80", "1.16"]', '"1.80"]'), "$.territory.capitals"),
        (instead('unlimited = "1.17"', 'unlimitd = "1.17"'), "unlimitd"),
        (instead("[season]", "[saison]"), "saison"),
        (lambda text: text[: text.index("[territory]")], "territory: required"),
        (instead("[cap]", "[cap"), "line"),
        (instead('name = "7204-У"', 'name = "7204-У"\namends = "1"'), "amends: 1 is no edition before this one"),
    ],
)
def test_a_wrong_file_is_one_clear_line(change: Callable[[str], str], place: str, tmp_path: Path) -> None:
    """Corridors, КБМ and КС that run the wrong way, a gap in КВС, a figure that is none: with the file and the place."""
    text = change(FULL).replace("7204-У", "1-У", 1).replace("2025-12-09", "2020-01-01", 1)
    (tmp_path / "wrong.toml").write_text(text, encoding="utf-8")
    with pytest.raises(WrongSetting) as refused:
        load_editions(tmp_path)
    assert str(refused.value).startswith("wrong.toml: ")
    assert place in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (THIRD.replace("2027-03-01", "2026-06-22"), "in_force_from: no later than the edition that it amends"),
        (THIRD.replace('"8000-У"', '"7204-У"', 1), "name: 7204-У is another edition's too"),
        (FULL.replace('"7204-У"', '"1-У"', 1), "in_force_from: another edition holds from 2025-12-09 on"),
    ],
)
def test_editions_do_not_contradict_each_other(text: str, why: str, tmp_path: Path) -> None:
    """One name and one day belong to one of them."""
    (tmp_path / "wrong.toml").write_text(text, encoding="utf-8")
    with pytest.raises(WrongSetting, match=re.escape(why)):
        load_editions(tmp_path)


def test_a_folder_that_is_not_there_is_a_wrong_setting(tmp_path: Path) -> None:
    """The error names the variable of the folder."""
    with pytest.raises(WrongSetting, match="OSAGO_TARIFF_FOLDER"):
        load_editions(tmp_path / "none")


def test_the_editions_have_what_is_known_of_them() -> None:
    """85 capitals or whole regions and more; what 7349-У does not say is 7204-У's, or not known."""
    first, second = load_editions().known
    assert len({place.kladr[:2] for place in first.territory.places.values()}) == 89
    changed = {code for code, place in second.territory.places.items() if first.territory.places.get(code) != place}
    assert changed == {"54000001", "54000002"}
    assert _without_territory(first) == _without_territory(second)


def _without_territory(edition: Edition) -> list[object]:
    own = ("name", "in_force_from", "amends", "territory")
    return [getattr(edition, name) for name in Edition.__slots__ if name not in own]
