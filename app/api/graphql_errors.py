"""Errors as callers get them: coded, in Russian; internal errors masked, with an id for the log."""

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import structlog
from graphql import GraphQLError

from app.domain.errors import (
    CallerError,
    InvalidCursor,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    OsagoError,
    Overloaded,
    RequestLost,
    ShareExhausted,
    SlowConsumer,
    Unavailable,
)
from app.observability import metrics
from app.watch.events import InterruptedWatch

log: Final = structlog.get_logger(__name__)

ERRORS_MAX: Final = 5
"""Errors that are reported of one document; more of them help no reader, and cost CPU and log lines."""


class TooComplex(CallerError):
    """The document costs more than one may; the text names the limit, `in_english` does for operators."""

    def __init__(self, text: str, in_english: str) -> None:
        super().__init__(text)
        self.in_english = in_english


class BadDocument(CallerError):
    """The document, or the choice of an operation in it, is wrong; `errors` say how."""

    def __init__(self, errors: Sequence[GraphQLError]) -> None:
        super().__init__(f"{len(errors)} errors")
        self.errors = tuple(errors)


class UnknownDocument(CallerError):
    """No trusted document has this id."""


class UntrustedDocument(CallerError):
    """Only trusted documents are run here, and this is none."""


class BadHttpRequest(Exception):
    """The HTTP request itself is wrong."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


_FAULTS: Final[Mapping[type[Exception], tuple[str, str]]] = MappingProxyType(
    {
        NotAuthenticated: ("UNAUTHENTICATED", "Нужен действующий токен доступа."),
        NotAllowed: ("FORBIDDEN", "Этот токен не даёт права на такое действие."),
        NotFound: ("NOT_FOUND", "Такого запроса нет, или он вам не принадлежит."),
        TooComplex: ("TOO_COMPLEX", "Документ GraphQL слишком велик или сложен."),
        UnknownDocument: ("PERSISTED_QUERY_NOT_FOUND", "Документа с таким идентификатором нет среди доверенных."),
        UntrustedDocument: ("UNTRUSTED_DOCUMENT", "Здесь выполняются только доверенные документы."),
        InvalidCursor: ("INVALID_CURSOR", "Этот курсор не от этого запроса. Начните без него: повторы безопасны."),
        Overloaded: ("OVERLOADED", "Сейчас слишком много запросов. Повторите немного позже."),
        ShareExhausted: ("OVERLOADED", "С этим доступом слишком много обращений сразу. Повторите немного позже."),
        Unavailable: ("UNAVAILABLE", "Сервис временно недоступен. Повторите немного позже."),
        InterruptedWatch: ("UNAVAILABLE", "Связь с хранилищем прервалась. Подпишитесь снова с этого места."),
        RequestLost: (
            "REQUEST_LOST",
            "Заявка утрачена при сбое хранилища. Отправьте её ещё раз с тем же clientReference.",
        ),
        SlowConsumer: ("SLOW_CONSUMER", "Соединение не успевает принимать ответы. Подпишитесь снова с этого места."),
    }
)
MESSAGES: Final[Mapping[str, str]] = MappingProxyType(dict(reversed(list(_FAULTS.values()))))
"""Messages for people, by code; of two messages of one code the first in the table."""
INTERNAL_MESSAGE: Final = "На нашей стороне произошла ошибка. Мы уже разбираемся."

_WRONG: Final = "Запрос составлен неверно: "
MESSAGE_LENGTH_MAX: Final = 300
"""Names repeat what was sent, and may be as long as the document."""
# What graphql-core says of a value repeats it, and it may be personal: the end of the sentence is left out.
_VALUES: Final = (
    (re.compile(r",? (?:but )?found:? .*", re.DOTALL), "."),
    (re.compile(r"(value): .*", re.DOTALL), r"\1."),
    (re.compile(r"(Unexpected \w+) [\"'].*", re.DOTALL), r"\1."),
)
_VALUE: Final = re.compile(r"\bValue ")
_NOT_IN: Final = " does not exist in"


def to_error(error: OsagoError) -> dict[str, Any]:
    """A fault that has a code, as GraphQL formats errors."""
    code, message = _FAULTS[_kind_of(error)]
    extensions: dict[str, Any] = {"code": code}
    if isinstance(error, Unavailable | InterruptedWatch):
        extensions["retryAfterSeconds"] = error.retry_after_s
        if not isinstance(error, ShareExhausted):  # an error of graphql-core
            metrics.ERRORS.labels(code).inc()
    if isinstance(error, TooComplex):
        message = f"{message} {error}"
    if isinstance(error, InterruptedWatch):
        extensions["cursor"] = error.cursor.encode()
    if isinstance(error, SlowConsumer):
        extensions["cursor"] = error.cursor
    return {"message": message, "extensions": extensions}


def format_errors(errors: Iterable[GraphQLError]) -> list[Mapping[str, Any]]:
    """Errors of an operation as they go out. What the caller did wrong keeps its text; what we did is masked."""
    return [_format(error) for error in errors]


def _format(error: GraphQLError) -> Mapping[str, Any]:
    cause = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    formatted = error.formatted
    if cause is None:
        return {
            **formatted,
            # What graphql-core says has a place in the document; what we say has none, and is Russian.
            "message": f"{_WRONG if error.locations else ''}{_without_values(error.message)}",
            "extensions": {"code": "BAD_REQUEST", **(error.extensions or {})},
        }
    place = {key: value for key, value in formatted.items() if key in {"locations", "path"}}
    if isinstance(cause, OsagoError) and _kind_of(cause) in _FAULTS:
        return {**to_error(cause), **place}
    return {**internal_error(cause), **place}


def from_exception(error: Exception) -> Mapping[str, Any]:
    """An error that came instead of a result."""
    if isinstance(error, GraphQLError):
        return _format(error)
    return to_error(error) if isinstance(error, OsagoError) and _kind_of(error) in _FAULTS else internal_error(error)


def _kind_of(error: OsagoError) -> type[Exception]:
    """The fault that it is a kind of: PostgreSQL's and Redis's absence are both `Unavailable`."""
    return next((kind for kind in type(error).__mro__ if kind in _FAULTS), type(error))


def _without_values(message: str) -> str:
    message = _without_unknown_value(message)
    for pattern, instead in _VALUES:
        message = pattern.sub(instead, message)
    return message if len(message) <= MESSAGE_LENGTH_MAX else f"{message[:MESSAGE_LENGTH_MAX]}…"


def _without_unknown_value(message: str) -> str:
    """Leaves the value out of "Value … does not exist in …". A regular expression would take the square of the length."""
    end = message.rfind(_NOT_IN)
    found = _VALUE.search(message, 0, end) if end > 0 else None
    return f"{message[: found.start()]}The value{message[end:]}" if found else message


def internal_error(cause: BaseException) -> dict[str, Any]:
    """A bug: its traceback goes to the log, the caller gets the id of that line."""
    request_id = structlog.contextvars.get_contextvars().get("request_id") or secrets.token_hex(8)
    log.error("operation.failed", request_id=request_id, exc_info=cause)
    metrics.ERRORS.labels("INTERNAL").inc()
    return {"message": INTERNAL_MESSAGE, "extensions": {"code": "INTERNAL", "requestId": request_id}}
