"""Words that seldom name a thing of the code, counted in comments, docstrings and documents: `make check` bounds their share."""

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

COUNTED: Final = re.compile(
    r"\b(who|whoever|whom|whose|tells?|told|telling|nobody|somebody|everybody|whatever|likewise)\b", re.IGNORECASE
)
PER_1000_MAX: Final = 4.0
SCRIPTS: Final = frozenset({".ts", ".tsx", ".mjs"})
DOCUMENTS: Final = ("README.md", "ARCHITECTURE.md", "CHANGELOG.md", "docs/**/*.md")
_ENGLISH_WORD: Final = re.compile(r"[A-Za-z][A-Za-z'-]*")
_FENCED: Final = re.compile(r"^( *)(```+).*?^\1\2", re.MULTILINE | re.DOTALL)
_SCRIPT_COMMENT: Final = re.compile(r"/\*.*?\*/|^\s*//[^\n]*|\s//\s[^\n]*", re.MULTILINE | re.DOTALL)


class Share(NamedTuple):
    """How many of the words are counted ones."""

    counted: int
    words: int

    @property
    def per_1000(self) -> float:
        return 1000 * self.counted / self.words if self.words else 0.0


def share(paths: Iterable[Path]) -> Share:
    """The share in all of these files together."""
    found = [text for path in paths for text in texts(path)]
    return Share(
        sum(len(COUNTED.findall(text)) for text in found), sum(len(_ENGLISH_WORD.findall(text)) for text in found)
    )


def texts(path: Path) -> Iterator[str]:
    """What a file has for readers: its comments and docstrings; of a document everything outside of code blocks."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        yield _FENCED.sub("", text)
    elif path.suffix in SCRIPTS:
        yield from _SCRIPT_COMMENT.findall(text)
    else:
        yield from _texts_of_python(text)


def _texts_of_python(text: str) -> Iterator[str]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.string
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value.value


def shares(root: Path) -> Mapping[str, Share]:
    """The share by top-level folder of sources, and by document or folder of documents. Russian documents are left out."""
    groups: dict[str, list[Path]] = defaultdict(list)
    for path in _sources(root):
        groups[path.relative_to(root).parts[0]].append(path)
    for pattern in DOCUMENTS:
        for path in sorted(root.glob(pattern)):
            if not path.name.endswith(".ru.md"):
                groups[path.name if path.parent == root else path.parent.relative_to(root).as_posix()].append(path)
    return {group: share(paths) for group, paths in groups.items()}


def over_the_bound(root: Path) -> Mapping[str, Share]:
    """Folders and documents of the repository with too many counted words."""
    return {group: share for group, share in shares(root).items() if share.per_1000 > PER_1000_MAX}


def _sources(root: Path) -> Iterator[Path]:
    """Python and scripts below the top-level folders; environments, builds and packages of npm are left out."""
    for folder in sorted(root.iterdir()):
        if folder.is_dir() and not folder.name.startswith("."):
            for path in sorted(folder.rglob("*")):
                foreign = {"node_modules", "static"} & set(path.relative_to(root).parts)
                if path.suffix in SCRIPTS | {".py"} and not foreign:
                    yield path
