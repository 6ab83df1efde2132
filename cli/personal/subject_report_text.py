"""`osago subject-report` in print and as JSON: an answer to a subject, without a value of the application."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from app.config.settings import Settings
from app.story.answer_trail import CALL, decode_trail
from app.use_cases.personal.subject_report import Handover, HeldRequest, SubjectReport
from cli.personal.personal_words import KINDS, NO_OPERATOR, REASONS, categories, day, moment, roles

_HEAD: Final = "СВЕДЕНИЯ О ПЕРСОНАЛЬНЫХ ДАННЫХ СУБЪЕКТА (ст. 14 и 20 Федерального закона 152-ФЗ)"
_PURPOSE: Final = "расчёт стоимости и заключение договора ОСАГО"
_MEANS: Final = "сбор, запись, хранение в зашифрованном виде, передача страховщикам, уничтожение; автоматизированно"


def report_text(report: SubjectReport, settings: Settings, customer_id: str) -> Iterator[str]:
    """Its lines."""
    yield _HEAD
    yield f"Составлено: {moment(report.made_at)}"
    yield f"Оператор: {settings.operator or NO_OPERATOR}"
    yield f"Информационная система: {settings.system_name}"
    if customer_id:
        yield f"Клиент: {customer_id}"
    yield f"Цель: {_PURPOSE}"
    yield f"Действия: {_MEANS}"
    yield "Решения на основании исключительно автоматизированной обработки: не принимаются"
    if not report.found:
        yield "Персональные данные не обрабатываются: запросов нет, записей об уничтожении тоже."
    for number, person in enumerate(report.persons, 1):
        yield ""
        yield f"Лицо {number}, идентификатор {person.id}"
        for request in person.requests:
            yield from _request(request, has_customer=bool(customer_id))
    if report.unidentified:
        yield ""
        yield "Лица не установлены (заявление уничтожено прежним выпуском системы или не расшифровывается):"
        for request in report.unidentified:
            yield from _request(request, has_customer=True)


def report_document(report: SubjectReport, settings: Settings, customer_id: str) -> dict[str, Any]:
    """The same as JSON; codes instead of words."""
    return {
        "madeAt": report.made_at.isoformat(),
        "operator": settings.operator,
        "system": settings.system_name,
        "customer": customer_id,
        "persons": [
            {"id": person.id, "requests": [_document(request) for request in person.requests]}
            for person in report.persons
        ],
        "unidentified": [_document(request) for request in report.unidentified],
    }


def _request(request: HeldRequest, *, has_customer: bool) -> Iterator[str]:
    whose = "" if request.is_of_customer or not has_customer else " (заявление другого клиента)"
    yield f"  Запрос {request.id}{whose}"
    if request.roles:
        yield f"    роль: {roles(request.roles)}"
    yield f"    получен: {moment(request.accepted_at)}, от сервиса {request.service}"
    yield f"    хранится: {categories(request.categories) or 'ничего'}"
    if request.application_until:
        yield f"    срок хранения заявления: до {day(request.application_until)}"
    if request.request_until:
        yield f"    срок хранения запроса и предложений: до {day(request.request_until)}"
    for handover in request.handovers:
        yield f"    {_handover(handover)}"
    if request.consent:
        given = request.consent.consent
        informed = "уведомлены" if given.others_informed else "не уведомлены"
        yield f"    согласие: текст {given.text_version}, дано {moment(given.given_at)}, третьи лица {informed}"
    else:
        yield "    согласие: не хранится"
    for one in request.destructions:
        yield (
            f"    уничтожено {moment(one.purge.at)} ({KINDS[one.purge.kind]}): {categories(one.categories)}; "
            f"{REASONS[one.purge.reason]}; запись {one.purge.id}"
        )


def _handover(one: Handover) -> str:
    if not one.was_sent:
        return f"не передано: {one.insurer_id}"
    asked_at = _asked_at(one)
    asked = f" {moment(asked_at)}" if asked_at else ""
    answered = f", ответил {moment(one.answered_at)}" if one.answered_at else ""
    return f"передано: {one.insurer_id}{asked}{answered}"


def _asked_at(one: Handover) -> datetime | None:
    """The moment of the first call, where the trail of the answer has it."""
    trail = decode_trail(one.trail)
    called = [step.offset_ms for step in trail.steps if step.code == CALL] if trail else []
    return datetime.fromtimestamp((trail.read_ms + called[0]) / 1000, UTC) if trail and called else None


def _document(request: HeldRequest) -> dict[str, Any]:
    consent = request.consent.consent if request.consent else None
    return {
        "id": str(request.id),
        "service": request.service,
        "acceptedAt": request.accepted_at.isoformat(),
        "ofCustomer": request.is_of_customer,
        "roles": list(request.roles),
        "categories": list(request.categories),
        "applicationUntil": request.application_until and request.application_until.isoformat(),
        "requestUntil": request.request_until and request.request_until.isoformat(),
        "recipients": [
            {
                "insurer": one.insurer_id,
                "sent": one.was_sent,
                "askedAt": (asked_at := _asked_at(one)) and asked_at.isoformat(),
                "answeredAt": one.answered_at and one.answered_at.isoformat(),
            }
            for one in request.handovers
        ],
        "consent": consent
        and {
            "textVersion": consent.text_version,
            "givenAt": consent.given_at.isoformat(),
            "othersInformed": consent.others_informed,
        },
        "destroyed": [
            {
                "purge": str(one.purge.id),
                "kind": one.purge.kind,
                "reason": one.purge.reason,
                "at": one.purge.at.isoformat(),
                "categories": list(one.categories),
            }
            for one in request.destructions
        ],
    }
