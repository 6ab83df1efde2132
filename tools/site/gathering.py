"""Gathers the site's pages: `docs/`, the documents at the top of the repository, files that these link to, and the reference.

A file that is linked and is no document becomes a page that shows it, so that the site needs no repository beside it.
"""

import shutil
from pathlib import Path
from typing import Final

from tools.site.page_links import moved_links
from tools.site.reference import reference_pages

ROOT: Final = Path(__file__).parents[2]
TOP: Final = {
    "README.md": "index.md",
    "README.ru.md": "index.ru.md",
    "ARCHITECTURE.md": "architecture.md",
    "CHANGELOG.md": "changelog.md",
}
"""Documents at the top of the repository, with their pages."""
_LANGUAGES: Final = {
    ".mjs": "js",
    ".ts": "ts",
    ".py": "python",
    ".sh": "sh",
    ".toml": "toml",
    ".yml": "yaml",
    ".json": "json",
}
_PICTURES: Final = frozenset({".png", ".svg"})


class BrokenLink(Exception):
    """A page links to a file that the repository does not have."""


def gather(pages: Path) -> None:
    """Writes every page and picture below the folder, which is emptied first.

    Raises:
        BrokenLink: names the page and the file.
    """
    shutil.rmtree(pages, ignore_errors=True)
    _Gathering(pages).run()
    for name, text in reference_pages().items():
        _write(pages / "reference" / name, text)


class _Gathering:
    def __init__(self, pages: Path) -> None:
        self._pages = pages
        self._waiting = [
            *TOP,
            *(str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("docs/**/*")) if path.is_file()),
        ]
        self._known = set(self._waiting)
        self._file = ""

    def run(self) -> None:
        while self._waiting:
            self._file = self._waiting.pop()
            source, page = ROOT / self._file, self._pages / page_of(self._file)
            if source.suffix == ".md":
                _write(page, moved_links(source.read_text(encoding="utf-8"), self._file, self._linked))
            elif source.suffix in _PICTURES or self._file.startswith("docs/"):
                page.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, page)
            else:
                _write(page, _shown(self._file, source.read_text(encoding="utf-8")))

    def _linked(self, file: str) -> str:
        if not (ROOT / file).is_file():
            raise BrokenLink(f"{self._file}: {file} is no file of the repository")
        if file not in self._known:
            self._known.add(file)
            self._waiting.append(file)
        return page_of(file)


def page_of(file: str) -> str:
    """The path on the site of a file of the repository; both with `/`."""
    if file in TOP:
        return TOP[file]
    if file.startswith("docs/"):
        return file.removeprefix("docs/")
    return f"files/{file}" if Path(file).suffix in {".md", *_PICTURES} else f"files/{file}.md"


def _shown(file: str, text: str) -> str:
    return f"# {file}\n\n~~~~{_LANGUAGES.get(Path(file).suffix, 'text')}\n{text.rstrip()}\n~~~~\n"


def _write(page: Path, text: str) -> None:
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(text, encoding="utf-8")
