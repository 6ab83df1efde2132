"""Names of people: letters of one alphabet in each word, and the many ways to say that there is no patronymic."""

import re
import unicodedata
from typing import Final

from app.domain.intake.formats import (
    HYPHENS,
    PROSE,
    TEXT_TYPED_LENGTH_MAX,
    Broken,
    Spelling,
    finds,
    is_none_said,
    prose,
)

NAME_LENGTH_MAX: Final = 100

_LATIN: Final = "A-Za-zÀ-ÖØ-öø-ɏ\u1e00-\u1eff"
_CYRILLIC: Final = "\u0400-\u0481\u048a-\u052f"
_WORD: Final = f"(?:[{_LATIN}]+|[{_CYRILLIC}]+)"
_is_name: Final = re.compile(rf"'?{_WORD}(?:[ '-]{_WORD})*'?").fullmatch
_is_mixed: Final = re.compile(rf"'?[{_LATIN}{_CYRILLIC}]+(?:[ '-][{_LATIN}{_CYRILLIC}]+)*'?").fullmatch
_words: Final = re.compile(f"[{_LATIN}{_CYRILLIC}]+")
_has_latin: Final = re.compile(f"[{_LATIN}]").search
_has_cyrillic: Final = re.compile(f"[{_CYRILLIC}]").search
_around_marks: Final = re.compile(" ?(['-]) ?").sub
_MARKS: Final[Spelling] = {
    **PROSE,
    **dict.fromkeys(map(ord, HYPHENS), "-"),
    **dict.fromkeys(map(ord, "’ʼʻ`‘´′＇"), "'"),
}
_LATIN_TWINS: Final = "ABCEHKMOPTXYaceopxyËë"
_CYRILLIC_TWINS: Final = "АВСЕНКМОРТХУасеорхуЁё"
_IN_CYRILLIC: Final = str.maketrans(_LATIN_TWINS, _CYRILLIC_TWINS)
_IN_LATIN: Final = str.maketrans(_CYRILLIC_TWINS, _LATIN_TWINS)
_CROSSES: Final = ("x", "xx", "xxx", "х", "хх", "ххх")
"""Latin ones, and Cyrillic ones."""
_NO_PATRONYMIC: Final = frozenset(
    ("безотчества", "бо", "отчестванет", "нетотчества", "неуказано", "na", "нд", "прочерк", "0", *_CROSSES)
)
_WORDS_FOR_NONE: Final = frozenset(
    [
        "нет",
        "нету",
        "отсутствует",
        "отсутствуют",
        "без отчества",
        "отчества нет",
        "нет отчества",
        "прочерк",
        "нд",
        *_CROSSES,
        "бо",
        "бн",
        "не имеет",
        "не имеется",
        "не указано",
        "none",
        "no",
        "null",
        "na",
    ]
)
"""Words for "none" that look like names."""
_NO_NAME: Final = frozenset(("нет", "нету", "отсутствует", "отсутствуют", "не указано", "none", "null"))
"""Words that stand in place of a surname or a given name. Но and No are surnames."""
_BLANKS: Final = str.maketrans("", "", " \u00a0-./")


@finds("NAME_INVALID", "NAME_ALPHABETS_MIXED", "TEXT_UNPRINTABLE")
def name(text: str) -> str:
    """A person's name: words of one alphabet each, with single spaces, hyphens and straight apostrophes between.

    A letter of the other alphabet that looks the same becomes the word's own: `Ивaнов` with a Latin a is Иванов.
    """
    if len(text) <= NAME_LENGTH_MAX and _is_name(text):
        if text.casefold() in _NO_NAME:
            raise Broken("NAME_INVALID")
        return text
    composed = unicodedata.normalize("NFC", prose(text, TEXT_TYPED_LENGTH_MAX, "NAME_INVALID"))
    spelt = _around_marks(r"\1", " ".join(composed.translate(_MARKS).split()))
    if len(spelt) > NAME_LENGTH_MAX or not _is_mixed(spelt):
        raise Broken("NAME_INVALID")
    return _words.sub(_in_one_alphabet, spelt)


@finds("NAME_INVALID", "NAME_ALPHABETS_MIXED", "TEXT_UNPRINTABLE")
def patronymic(text: str) -> str | None:
    """A middle name; None where it is empty, a hyphen, `нет` or another way to say that there is none."""
    if _is_name(text) and len(text) <= NAME_LENGTH_MAX and text.casefold() not in _WORDS_FOR_NONE:
        return text
    if is_none_said(text) or text.translate(_BLANKS).casefold() in _NO_PATRONYMIC:
        return None
    return name(text)


def _in_one_alphabet(word: re.Match[str]) -> str:
    text = word[0]
    if not (_has_latin(text) and _has_cyrillic(text)):
        return text
    for spelling, other in ((_IN_CYRILLIC, _has_latin), (_IN_LATIN, _has_cyrillic)):
        spelt = text.translate(spelling)
        if not other(spelt):
            return spelt
    raise Broken("NAME_ALPHABETS_MIXED")


def same_name(*names: str | None) -> tuple[str, ...]:
    """A key that is equal for two writings of one name: in either case, with ё or е, with a hyphen or a space."""
    return tuple((each or "").casefold().replace("ё", "е").replace("-", " ") for each in names)
