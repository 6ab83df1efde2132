"""`osago purges export`: an act of destruction to print and sign, and the export of the journal, as order 179 of Roskomnadzor asks."""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

from app.domain.subjects.purge import Purge, PurgedRequest
from cli.personal.personal_words import KINDS, METHODS, NO_OPERATOR, REASONS, categories, moment, roles

COLUMNS: Final = (
    "запись",
    "дата уничтожения",
    "оператор",
    "информационная система",
    "субъект (идентификатор)",
    "роль",
    "запрос",
    "получен",
    "категории",
    "что уничтожено",
    "причина",
    "способ",
    "кто уничтожил",
)
_AUTOMATIC: Final = "автоматически"
_UNKNOWN: Final = "не установлен"


def act_lines(purges: Iterable[Purge], begin: datetime, end: datetime, made_at: datetime) -> Iterator[str]:
    """The act: what is written by hand has a line for it."""
    yield "АКТ ОБ УНИЧТОЖЕНИИ ПЕРСОНАЛЬНЫХ ДАННЫХ"
    yield "(приказ Роскомнадзора от 28.10.2022 № 179, с выгрузкой из журнала регистрации событий)"
    yield f"Составлен: {moment(made_at)}"
    yield f"Период: с {moment(begin)} по {moment(end)}"
    yield "Лицо, обрабатывающее данные по поручению оператора (если поручено): ______________________________"
    total = 0
    for purge in purges:
        total += len(purge.requests)
        yield ""
        yield f"Запись {purge.id}"
        yield f"  оператор: {purge.operator or NO_OPERATOR}"
        yield f"  информационная система: {purge.system or 'не указана'}"
        yield f"  дата уничтожения: {moment(purge.at)}"
        yield f"  причина: {REASONS[purge.reason]}"
        yield f"  способ: {METHODS[purge.method]}"
        yield f"  уничтожено: {KINDS[purge.kind]}, запросов {len(purge.requests)}"
        yield f"  категории: {categories(purge.categories) or _UNKNOWN}"
        yield f"  исполнитель: {purge.actor or _AUTOMATIC}"
        yield "  субъекты:"
        for one in purge.requests:
            for subject, role, of in _subjects(one):
                yield f"    {subject}{f' ({role})' if role else ''}, запрос {one.request}{f': {of}' if of else ''}"
    yield ""
    yield f"Всего уничтожений: {total}" if total else "За период ничего не уничтожено."
    yield "Должность, Ф. И. О. и подпись лица, уничтожившего данные:"
    yield "____________________ / ______________________________ / ____________________"


def journal_csv(purges: Iterable[Purge]) -> Iterator[str]:
    """A line for each subject of each request, in CSV with a head."""
    yield _csv(COLUMNS)
    for purge in purges:
        for one in purge.requests:
            for subject, role, of in _subjects(one):
                yield _csv(
                    (
                        str(purge.id),
                        purge.at.isoformat(),
                        purge.operator,
                        purge.system,
                        subject,
                        role,
                        str(one.request),
                        one.since.isoformat(),
                        of or categories(purge.categories),
                        KINDS[purge.kind],
                        REASONS[purge.reason],
                        METHODS[purge.method],
                        purge.actor or _AUTOMATIC,
                    )
                )


def journal_document(purge: Purge) -> dict[str, Any]:
    """A record as JSON; codes instead of words."""
    return {
        "id": str(purge.id),
        "at": purge.at.isoformat(),
        "operator": purge.operator,
        "system": purge.system,
        "kind": purge.kind,
        "reason": purge.reason,
        "method": purge.method,
        "actor": purge.actor,
        "categories": list(purge.categories),
        "requests": [
            {
                "id": str(one.request),
                "since": one.since.isoformat(),
                "service": one.tenant,
                "subjects": None
                if one.people is None
                else [
                    {"id": person.id, "roles": list(person.roles), "categories": list(person.categories)}
                    for person in one.people
                ],
            }
            for one in purge.requests
        ],
    }


def _subjects(one: PurgedRequest) -> Iterator[tuple[str, str, str]]:
    """Identifier, roles and kinds of data of each; the order lets another sign of the person stand in place of a name."""
    if not one.people:
        yield (f"клиент {one.customer}" if one.customer else _UNKNOWN), "", ""
        return
    for person in one.people:
        yield person.id, roles(person.roles), categories(person.categories)


def _csv(values: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(values)
    return line.getvalue()
