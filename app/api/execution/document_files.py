"""Files of trusted documents, in any of three forms, each known by what is in it:

- Apollo's manifest, as `generate-persisted-query-manifest` writes it: `{"format": "apollo-persisted-query-manifest", …}`;
- Relay's map, as `relay-compiler` writes it with `persistConfig`, and GraphQL Codegen too: `{"<MD5, SHA-1 or any id>": "<document>"}`;
- a map by SHA-256: `{"<SHA-256>": "<document>"}`.

What a document says is not looked at here.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, cast

from app.api.graphql_request import bare_id

FILE_BYTES_MAX: Final = 8 * 1024 * 1024
FILES_MAX: Final = 100
DOCUMENTS_MAX: Final = 2000
"""Of all files together: each is validated when a process starts, for up to 6 ms."""
APOLLO: Final = "apollo-persisted-query-manifest"
_APOLLO_VERSION: Final = 1
_ID: Final = re.compile(r"[!-~]{1,200}")
_NAME: Final = re.compile(r"\b(?:query|mutation|subscription)\s+([_A-Za-z]\w*)", re.ASCII)
_FORMS: Final = "Apollo's manifest, or an object of ids and documents as Relay writes it"


class FaultKind(StrEnum):
    """Why a file, or one of its documents, does not do."""

    FILE = "file"
    DUPLICATE = "duplicate"
    MISMATCH = "mismatch"


@dataclass(frozen=True, slots=True)
class TrustedDocument:
    """`name` is that of its operation, "" where it has none."""

    id: str
    name: str
    text: str
    file: Path


@dataclass(frozen=True, slots=True)
class FileFault:
    """What is wrong, and how it is mended. `id` and `name` are "" where it is the file's."""

    kind: FaultKind
    file: Path
    id: str
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class DocumentFiles:
    """What files hold: no two of the documents have one id."""

    files: Sequence[Path]
    documents: Sequence[TrustedDocument]
    faults: Sequence[FileFault]


class _WrongFile(Exception):
    """A file cannot be read as one; its text says why."""


def sha256_of(text: str) -> str:
    """In hex, of what a request holds: a lone surrogate is no error."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _md5_of(text: str) -> str:
    return hashlib.md5(text.encode(errors="surrogatepass"), usedforsecurity=False).hexdigest()


def _sha1_of(text: str) -> str:
    return hashlib.sha1(text.encode(errors="surrogatepass"), usedforsecurity=False).hexdigest()


_DIGESTS: Final[Mapping[int, tuple[str, Callable[[str], str]]]] = MappingProxyType(
    {32: ("MD5", _md5_of), 40: ("SHA-1", _sha1_of), 64: ("SHA-256", sha256_of)}
)
"""What ids of so many hexadecimal characters are."""
_HEX: Final = re.compile(r"[0-9a-f]+")


def read_files(places: Iterable[Path]) -> DocumentFiles:
    """The documents of these files, and of every `*.json` of those that are folders."""
    files: list[Path] = []
    faults: list[FileFault] = []
    found: dict[str, TrustedDocument] = {}
    for place in places:
        try:
            files += _files_of(place)
        except _WrongFile as wrong:
            faults.append(FileFault(FaultKind.FILE, place, "", "", str(wrong)))
    for file in files[:FILES_MAX]:
        try:
            documents = _read(file)
        except _WrongFile as wrong:
            faults.append(FileFault(FaultKind.FILE, file, "", "", str(wrong)))
        else:
            faults += _join(found, documents)
    if len(files) > FILES_MAX or len(found) > DOCUMENTS_MAX:
        why = f"{len(files)} files with {len(found)} documents; at most {FILES_MAX} and {DOCUMENTS_MAX} are read"
        faults.append(FileFault(FaultKind.FILE, files[-1].parent, "", "", why))
    return DocumentFiles(tuple(files), tuple(found.values()), tuple(faults))


def _files_of(place: Path) -> Sequence[Path]:
    """Raises _WrongFile: there is none."""
    try:
        if not place.is_dir():
            return [place]
        files = sorted(file for file in place.glob("*.json") if not file.name.startswith("."))
    except OSError as error:
        raise _WrongFile(error.strerror or "cannot be read") from None
    if not files:
        raise _WrongFile("a folder without any *.json")
    return files


def _read(file: Path) -> Sequence[TrustedDocument]:
    """Raises _WrongFile: it is too long, or has none of the forms."""
    try:
        with file.open("rb") as opened:
            content = opened.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise _WrongFile(error.strerror or "cannot be read") from None
    if len(content) > FILE_BYTES_MAX:
        raise _WrongFile(f"longer than {FILE_BYTES_MAX // 1024 // 1024} MiB: split it, and name the folder")
    try:
        pairs = _Pairs.decode(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise _WrongFile("no UTF-8") from None
    except json.JSONDecodeError as error:
        raise _WrongFile(f"no JSON: {error.msg} (line {error.lineno})") from None
    except (RecursionError, ValueError):
        raise _WrongFile("no JSON that can be read") from None
    entries = _entries(pairs)
    for id_, _, _ in entries:
        if not _ID.fullmatch(id_):
            raise _WrongFile(f"{id_[:40]!r} is no id: 1 to 200 characters of ASCII, no space")
    return [TrustedDocument(bare_id(id_), name, text, file) for id_, name, text in entries]


class _Pairs(tuple[tuple[str, Any], ...]):
    """An object of JSON with each of its pairs: of two with one name, a dictionary would have the last."""

    __slots__ = ()

    @classmethod
    def decode(cls, text: str) -> Any:
        return json.loads(text, object_pairs_hook=cls)


def _entries(pairs: Any) -> Sequence[tuple[str, str, str]]:
    """Id, name and text of each document."""
    if not isinstance(pairs, _Pairs):
        raise _WrongFile(f"expected {_FORMS}")
    plain = dict(pairs)
    if "operations" in plain and not isinstance(plain["operations"], str):
        return _apollo_entries(plain)
    if not all(isinstance(text, str) for text in plain.values()):
        raise _WrongFile(f"expected {_FORMS}: a value is no text")
    return [(id_, _name_of(text), text) for id_, text in pairs]


def _apollo_entries(manifest: Mapping[str, Any]) -> Sequence[tuple[str, str, str]]:
    if manifest.get("format") != APOLLO or manifest.get("version") != _APOLLO_VERSION:
        raise _WrongFile(f'expected "format": "{APOLLO}" and "version": {_APOLLO_VERSION}')
    operations = manifest["operations"]
    if not isinstance(operations, list):
        raise _WrongFile("operations: expected a list")
    entries: list[tuple[str, str, str]] = []
    for place, pairs in enumerate(cast("list[Any]", operations)):
        operation: Mapping[str, Any] = dict(pairs) if isinstance(pairs, _Pairs) else {}
        id_, body, name = operation.get("id"), operation.get("body"), operation.get("name")
        if not isinstance(id_, str) or not isinstance(body, str):
            raise _WrongFile(f"operations[{place}]: id and body must be texts")
        entries.append((id_, name if isinstance(name, str) else _name_of(body), body))
    return entries


def _name_of(text: str) -> str:
    match = _NAME.search(text)
    return match[1] if match else ""


def _join(found: dict[str, TrustedDocument], documents: Sequence[TrustedDocument]) -> Iterable[FileFault]:
    """Adds those of one file; reports two texts with one id, and ids that are hashes of other texts."""
    hashed_by = {length for length in _DIGESTS if any(_is_hash(one, length) for one in documents)} | {64}
    for one in documents:
        other = found.setdefault(one.id, one)
        if other.text != one.text:
            why = f"its id is that of {other.name or 'another document'} in {other.file}: an id has one text"
            yield FileFault(FaultKind.DUPLICATE, one.file, one.id, one.name, why)
        elif len(one.id) in hashed_by and _HEX.fullmatch(one.id) and not _is_hash(one, len(one.id)):
            why = f"its id is not the {_DIGESTS[len(one.id)][0]} of its text: have the tool write the file anew"
            yield FileFault(FaultKind.MISMATCH, one.file, one.id, one.name, why)


def _is_hash(document: TrustedDocument, length: int) -> bool:
    """Whether its id is the hash of this length of its text. Ids of 32 characters need not be MD5s: a file with one has MD5s."""
    return len(document.id) == length and document.id == _DIGESTS[length][1](document.text)
