"""`osago tariff`: the edition of a day, the factor of a place, and "not known" where it is not."""

from pathlib import Path

import pytest

from cli.tariff.tariff_command import print_tariff

EDITION = """
name = "8000-У"
in_force_from = 2027-03-01
amends = "7349-У"

[territory]
source = "8000-У, a transcription"
mark = "S1"
towns = [["16000002", "Республика Татарстан", "Набережные Челны", "1.30", ""]]
"""


@pytest.fixture(autouse=True)
def no_settings_of_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`.env` is read from the working folder."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("on", "kladr", "is_known", "shown"),
    [
        ("2026-06-22", "5400000100000", True, ["7349-У, in force from 2026-06-22", "2.34 S1", "–"]),
        ("2026-06-21", "5400000100000", True, ["7204-У, in force from 2025-12-09", "3.12 S"]),
        ("2026-06-22", "1600000200000", False, ["КТ of this place is not known", "Казань", "1.70 S"]),
        ("2025-12-08", "", False, ["the tariff is not known", "2025-12-09"]),
        ("2026-06-22", "", True, ["8665 S", "383 S1", "1.16 M", "7204-У, a transcription of its annex", "КПр", "cap"]),
    ],
)
def test_what_is_known_is_printed_with_its_marks(
    on: str, kladr: str, shown: list[str], capsys: pytest.CaptureFixture[str], *, is_known: bool
) -> None:
    """The command ends with 1 where the answer is "not known"."""
    assert print_tariff(on, kladr, None) is is_known
    printed = capsys.readouterr().out
    assert [text for text in shown if text not in printed] == []


def test_an_edition_of_a_folder_is_printed_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same folder as workers and the sandbox read, from their setting."""
    (tmp_path / "8000.toml").write_text(EDITION, encoding="utf-8")
    monkeypatch.setenv("OSAGO_TARIFF_FOLDER", str(tmp_path))
    assert print_tariff("2027-03-01", "1600000200000", None)
    assert "1.30 S1" in capsys.readouterr().out
