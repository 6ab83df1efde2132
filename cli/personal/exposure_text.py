"""`osago exposure` in print and as JSON: figures for the notice to the authority."""

from collections.abc import Iterator
from typing import Any, Final

from app.use_cases.personal.exposure import Exposure
from cli.personal.personal_words import CATEGORIES, moment

_DESTROYED: Final = "уничтожены с тех пор"


def exposure_text(exposure: Exposure) -> Iterator[str]:
    """Its lines."""
    yield "ДАННЫЕ, ДОСТУПНЫЕ В СИСТЕМЕ ЗА ПЕРИОД (для уведомления Роскомнадзора: 24 и 72 часа, ч. 3.1 ст. 21 152-ФЗ)"
    yield f"Период: с {moment(exposure.begin)} по {moment(exposure.end)}"
    yield f"Субъектов: {exposure.subjects}"
    if exposure.unknown:
        yield f"Заявлений, лица которых не установлены: {exposure.unknown}"
    yield f"Клиентов: {exposure.customers}"
    yield "Категории данных, число субъектов:"
    for category, count in exposure.categories.items():
        yield f"  {CATEGORIES[category]}: {count}"
    yield f"Запросов с предложениями: {sum(exposure.requests.values())}"
    for service, count in exposure.requests.items():
        yield f"  от сервиса {service}: {count}"
    yield f"Согласий, хранимых отдельно: {exposure.consents}"
    yield f"Заявлений (AES-256-GCM, без ключа не читаются): {sum(exposure.applications.values())}"
    for key_id, count in exposure.applications.items():
        yield f"  {f'ключ {key_id}' if key_id else _DESTROYED}: {count}"


def exposure_document(exposure: Exposure) -> dict[str, Any]:
    """The same as JSON; codes instead of words."""
    return {
        "from": exposure.begin.isoformat(),
        "to": exposure.end.isoformat(),
        "subjects": exposure.subjects,
        "unknown": exposure.unknown,
        "customers": exposure.customers,
        "categories": {category.value: count for category, count in exposure.categories.items()},
        "requests": dict(exposure.requests),
        "consents": exposure.consents,
        "applications": {key_id or "destroyed": count for key_id, count in exposure.applications.items()},
    }
