"""Every link of the site leads to a page, and a file of the repository that is no document is shown on a page of its own."""

from pathlib import Path

import pytest

from tools.site import gathering
from tools.site.gathering import BrokenLink, gather
from tools.site.page_links import moved_links


def test_the_site_has_every_document_and_each_file_that_one_links_to(tmp_path: Path) -> None:
    gather(tmp_path)
    pages = {str(page.relative_to(tmp_path)) for page in tmp_path.rglob("*") if page.is_file()}
    assert {"index.md", "index.ru.md", "architecture.md", "changelog.md", "adr/README.md", "feed.schema.json"} <= pages
    assert {"reference/graphql.md", "reference/settings.md", "files/examples/python_client.py.md"} <= pages
    assert "| `OSAGO_LEASE` | `3s` |" in (tmp_path / "reference/settings.md").read_text(encoding="utf-8")
    assert "](operations.md)" in (tmp_path / "index.md").read_text(encoding="utf-8")


def test_a_link_to_a_missing_file_is_an_error_that_names_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "repository"
    for name in gathering.TOP:
        (root / "docs").mkdir(parents=True, exist_ok=True)
        (root / name).write_text("", encoding="utf-8")
    (root / "docs/guide.md").write_text("[more](no-such-page.md)", encoding="utf-8")
    monkeypatch.setattr(gathering, "ROOT", root)
    with pytest.raises(BrokenLink, match=r"^docs/guide\.md: docs/no-such-page\.md is no file of the repository$"):
        gather(tmp_path / "pages")


def test_links_follow_their_pages_and_code_stays_as_it_is() -> None:
    text = "[a](../x.py#L1) [b](https://e.example/x) [c](#here) ![d](i/p.png)\n```md\n[a](../x.py)\n```\n"
    moved = moved_links(text, "docs/deep/guide.md", lambda file: f"site/{file}")
    assert moved == "[a](../x.py#L1) [b](https://e.example/x) [c](#here) ![d](i/p.png)\n```md\n[a](../x.py)\n```\n"
    flat = moved_links("[a](../x.py#L1)", "docs/guide.md", lambda file: file.removeprefix("docs/"))
    assert flat == "[a](x.py#L1)"
