"""The consent that the page asks for: a version names one text for ever, for the proof of a consent is the version that was shown."""

import hashlib
import re
from pathlib import Path
from typing import Final

from app.config.settings import Settings

ROOT: Final = Path(__file__).parents[2]
SOURCE: Final = (ROOT / "frontend/customer/src/form/consentText.ts").read_text(encoding="utf-8")
ARCHIVE: Final = ROOT / "docs/consents"
HASHES: Final = {"2026-11-29": "730d72c77ebf30d38ece807832719df6d70a9da16b555668babddd02bd73e898"}
"""SHA-256 of each version's text, the newest last. A changed text is a new version: a new file of the archive, and a new line here."""


def current() -> tuple[str, str]:
    """The version and the text of the page, a paragraph a line."""
    (version,) = re.findall(r"CONSENT_VERSION = '([^']+)'", SOURCE)
    paragraphs = re.findall(r"^  '(.*)',$", SOURCE.partition("CONSENT_TEXT")[2], flags=re.MULTILINE)
    return version, "".join(f"{paragraph}\n" for paragraph in paragraphs)


def test_the_text_of_a_version_never_changes() -> None:
    """The page's text under its version stays, and so do the texts of the archive."""
    archived = {path.stem: path.read_bytes() for path in ARCHIVE.glob("*.txt")}
    assert {version: hashlib.sha256(text).hexdigest() for version, text in archived.items()} == HASHES
    version, text = current()
    assert version == list(HASHES)[-1]
    assert text.encode() == archived[version]


def test_the_text_names_the_terms_that_are_kept() -> None:
    """A customer agrees to days: the defaults of the settings are these."""
    defaults = Settings.model_construct()
    days = re.findall(r"(\d+) дней", current()[1])
    assert [f"{count}d" for count in days] == [str(defaults.retention), str(defaults.offer_retention)]
