"""Links between pages, moved from where a file lies in the repository to where its page lies on the site."""

import os
import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Final

_LINK: Final = re.compile(r"(\]\()([^)\s#]+)(#[^)\s]*)?(\))")
_FENCE: Final = re.compile(r"^\s*(```|~~~)")
_ELSEWHERE: Final = ("http:", "https:", "mailto:")


def moved_links(text: str, file: str, page_of: Callable[[str], str]) -> str:
    """The text of a Markdown file with links that hold on the site; blocks of code stay as they are.

    Args:
        text: Markdown.
        file: where it lies in the repository.
        page_of: gives the page of a file of the repository; both are paths with `/`.
    """
    here = PurePosixPath(page_of(file)).parent

    def moved(link: re.Match[str]) -> str:
        target = link[2]
        if target.startswith(_ELSEWHERE):
            return link[0]
        page = page_of(os.path.normpath(PurePosixPath(file).parent / target))
        return f"{link[1]}{os.path.relpath(page, here)}{link[3] or ''}{link[4]}"

    lines: list[str] = []
    is_code = False
    for line in text.splitlines(keepends=True):
        is_code ^= bool(_FENCE.match(line))
        lines.append(line if is_code else _LINK.sub(moved, line))
    return "".join(lines)
