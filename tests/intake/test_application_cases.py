"""Applications as people and their documents have them: which are accepted, and what is said of the others, at which place.

`cases/base.json` is a valid input; a case replaces values below its `application` (null takes one away).
"""

import copy
import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from app.domain.errors import InvalidApplication, Problem
from app.domain.intake.moscow_calendar import moscow_day
from app.domain.intake.plausibility import warnings_of
from app.intake.new_request import IntakeRules, read_new_request

FOLDER: Final = Path(__file__).parent / "cases"
BASE: Final = json.loads((FOLDER / "base.json").read_text(encoding="utf-8"))
CASES: Final = [
    json.loads(line)
    for name in ("applications.jsonl", "more.jsonl", "odd.jsonl")
    for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()
]
RULES: Final = IntakeRules(("sever",), requires_consent=True)
NOW: Final = datetime.now(UTC)
_moment: Final = re.compile(r"@(?:now|(?:([+-]\d+)y)?(?:([+-]\d+)d)?)").fullmatch


def counted(text: str) -> str:
    """`@+10d`, `@-45y-30d` from today in Moscow, `@now`."""
    match = _moment(text)
    if not match:
        return text
    if text == "@now":
        return NOW.isoformat(timespec="seconds")
    day = moscow_day(NOW)
    year = day.year + int(match[1] or 0)
    day = date(year, day.month, day.day if (day.month, day.day) != (2, 29) else 28)
    return (day + timedelta(days=int(match[2] or 0))).isoformat()


def filled(value: Any) -> Any:
    match value:
        case dict():
            return {key: filled(inner) for key, inner in value.items()}
        case list():
            return [filled(inner) for inner in value]
        case str() if value.startswith("@"):
            return counted(value)
        case _:
            return value


def made(changes: dict[str, Any]) -> dict[str, Any]:
    raw = copy.deepcopy(BASE)
    for path, value in changes.items():
        *keys, last = path.split(".")
        place: Any = raw["application"]
        for key in keys:
            place = place[int(key)] if isinstance(place, list) else place.setdefault(key, {})
        if value is None:
            place.pop(last, None)
        else:
            place[int(last) if isinstance(place, list) else last] = value
    return filled(raw)


def read(case: Any) -> tuple[Any, list[Problem], list[Problem]]:
    """What it becomes, its problems and its warnings."""
    try:
        found = read_new_request(made(case["set"]), now=NOW, rules=RULES)
    except InvalidApplication as refusal:
        return None, list(refusal.problems), []
    return found.application, [], warnings_of(found.application)


def is_below(problem: Problem, path: str) -> bool:
    return ".".join(problem.path[1:]).startswith(path)


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_case_is_judged_as_it_should_be(case: Any) -> None:
    """Accepted, warned of, or refused at its place and nowhere else."""
    application, problems, warnings = read(case)
    match case["expect"]:
        case "valid":
            assert problems == []
            assert application is not None
        case "problem":
            assert problems
            assert all(is_below(each, case["path"]) for each in problems), problems
        case "warning":
            assert problems == []
            assert [each for each in warnings if is_below(each, case["path"])]
        case "problem-or-mapped":
            assert (application is None) == bool(problems)
        case other:
            raise AssertionError(other)


@pytest.mark.parametrize("case", [{"id": "base", "set": {}}], ids=["base"])
def test_the_base_of_all_cases_is_valid_without_a_warning(case: Any) -> None:
    """Otherwise none of them would say anything."""
    application, problems, warnings = read(case)
    assert (application is not None, problems, warnings) == (True, [], [])


def test_a_patronymic_that_says_none_reaches_no_insurer() -> None:
    """Any of the usual words for "none" is understood."""
    for text in (
        "",
        " ",
        "-",
        "—",
        "нет",
        "Нет",
        "НЕТ",
        "нету",
        "отсутствует",
        "без отчества",
        "нет отчества",
        "не имеет",
        "прочерк",
        "н/д",
        "x",
        "ХХХ",
        "0",
        "б/о",
        "N/A",
    ):
        application, problems, _ = read({"set": {"policyholder.person.middleName": text}})
        assert (problems, application and application.policyholder.middle_name) == ([], None), text


def test_what_is_pasted_has_one_spelling() -> None:
    """Plates, VINs, papers and names have one spelling, however they are pasted."""
    application, problems, _ = read(
        {
            "set": {
                "vehicle.licensePlate": "a\u00a0123 bc 77 rus",
                "vehicle.vin": "хта gfk330кУ123456",
                "vehicle.document.number": "77 12 № 345678",
                "policyholder.person.lastName": "Opлов",
                "policyholder.person.document.number": "45 09 № 123987",
                "policyholder.person.document.divisionCode": "770 001",
                "policyholder.person.citizenship": "ru",
                "policyholder.person.address.fiasId": "0C5B2444-70A0-4932-980C-B4DC0D3F02B5",
                "drivers.listed.0.license.number": "99 14 567890",
                "previousPolicy": {"series": "xxx", "number": "0123 456 789"},
            }
        }
    )
    assert problems == []
    vehicle, person = application.vehicle, application.policyholder
    assert (vehicle.license_plate, vehicle.vin, vehicle.document.number) == (
        "А123ВС77",
        "XTAGFK330KY123456",
        "7712345678",
    )
    assert (person.last_name, person.document.number, person.document.division_code) == (
        "Орлов",
        "4509123987",
        "770-001",
    )
    assert (person.citizenship, person.address.fias_id) == ("RU", "0c5b2444-70a0-4932-980c-b4dc0d3f02b5")
    assert application.drivers[0].license.number == "9914567890"
    assert (application.previous_policy.series, application.previous_policy.number) == ("ХХХ", "0123456789")
