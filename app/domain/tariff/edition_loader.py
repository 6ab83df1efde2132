"""The editions of the tariff that a process knows: the product's own files, and those of a folder that its operator adds."""

from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final, Protocol

from app.domain.errors import WrongSetting
from app.domain.tariff.edition import Edition, Editions
from app.domain.tariff.edition_file import read_edition

EDITIONS_MAX: Final = 200
EDITION_BYTES_MAX: Final = 1024 * 1024
_OWN: Final = resources.files("app.domain.tariff") / "data"


class _File(Protocol):
    """The common interface of a path and of a file of the package."""

    @property
    def name(self) -> str: ...
    def read_bytes(self) -> bytes: ...


def load_editions(folder: Path | None = None) -> Editions:
    """Every edition, in the order of the days from which they hold. Files are read in the order of their names.

    Raises:
        WrongSetting: a file cannot be read, or its figures cannot be those of a tariff; the text names file and place.
    """
    return _own_editions() if folder is None else _read((*_toml_files(_OWN.iterdir()), *_added(folder)))


@cache
def _own_editions() -> Editions:
    """Files of the package do not change while a process runs."""
    return _read(_toml_files(_OWN.iterdir()))


def _read(files: Sequence[_File]) -> Editions:
    found: dict[str, Edition] = {}
    for file in files:
        try:
            edition = read_edition(_text(file), found)
        except WrongSetting as error:
            raise WrongSetting(f"{file.name}: {error}") from None
        if any(edition.in_force_from == other.in_force_from for other in found.values()):
            raise WrongSetting(f"{file.name}: in_force_from: another edition holds from {edition.in_force_from} on")
        found[edition.name] = edition
    return Editions(tuple(sorted(found.values(), key=lambda edition: edition.in_force_from)))


def _added(folder: Path) -> list[_File]:
    try:
        return _toml_files(folder.iterdir())
    except OSError as error:
        raise WrongSetting(f"OSAGO_TARIFF_FOLDER: {folder}: {error.strerror}") from None


def _toml_files(entries: Iterator[_File]) -> list[_File]:
    found = sorted((entry for entry in entries if entry.name.endswith(".toml")), key=lambda entry: entry.name)
    if len(found) > EDITIONS_MAX:
        raise WrongSetting(f"{found[0].name}: more than {EDITIONS_MAX} files")
    return found


def _text(file: _File) -> str:
    try:
        content = file.read_bytes()
        if len(content) > EDITION_BYTES_MAX:
            raise WrongSetting(f"more than {EDITION_BYTES_MAX} bytes")
        return content.decode()
    except OSError as error:
        raise WrongSetting(f"{error.strerror}") from None
    except UnicodeDecodeError:
        raise WrongSetting("no text in UTF-8") from None
