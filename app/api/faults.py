"""What a caller is told when something goes wrong: coded, in Russian; our own faults masked, with an id to the log."""

import secrets
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

import structlog
from graphql import GraphQLError
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError

from app.domain.errors import InvalidCursor, NotAllowed, NotAuthenticated, NotFound, OsagoError, Overloaded, Unavailable
from app.following import InterruptedWatch
from app.observability import metrics

log: Final = structlog.get_logger(__name__)

_FAULTS: Final[Mapping[type[Exception], tuple[str, str]]] = MappingProxyType(
    {
        NotAuthenticated: ("UNAUTHENTICATED", "Нужен действующий токен доступа."),
        NotAllowed: ("FORBIDDEN", "Этот токен не даёт права на такое действие."),
        NotFound: ("NOT_FOUND", "Такого запроса нет, или он вам не принадлежит."),
        InvalidCursor: ("INVALID_CURSOR", "Этот курсор не от этого запроса. Начните без него: повторы безопасны."),
        Overloaded: ("OVERLOADED", "Сейчас слишком много запросов. Повторите немного позже."),
        Unavailable: ("UNAVAILABLE", "Сервис временно недоступен. Повторите немного позже."),
        InterruptedWatch: ("UNAVAILABLE", "Связь с хранилищем прервалась. Подпишитесь снова с этого места."),
    }
)
_INTERNAL: Final = "На нашей стороне произошла ошибка. Мы уже разбираемся."


# What the schema raises instead of returning it: the request cannot be begun with.
REQUEST_ERRORS: Final = (GraphQLError, MissingQueryError, CannotGetOperationTypeError, InvalidOperationTypeError)


def told(error: OsagoError) -> dict[str, Any]:
    """A fault that has a code, as GraphQL formats errors."""
    code, message = _FAULTS[type(error)]
    extensions: dict[str, Any] = {"code": code}
    if isinstance(error, Unavailable | InterruptedWatch):
        extensions["retryAfterSeconds"] = error.retry_after_s
        metrics.ERRORS.labels(code).inc()
    if isinstance(error, InterruptedWatch):
        extensions["cursor"] = error.cursor.encode()
    return {"message": message, "extensions": extensions}


def format_errors(errors: Iterable[GraphQLError]) -> list[Mapping[str, Any]]:
    """Errors of an operation as they go out. What the caller did wrong keeps its text; what we did is masked."""
    return [_format(error) for error in errors]


def _format(error: GraphQLError) -> Mapping[str, Any]:
    cause = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    formatted = error.formatted
    if cause is None or isinstance(cause, REQUEST_ERRORS):
        return {**formatted, "extensions": {"code": "BAD_REQUEST", **(error.extensions or {})}}
    place = {key: value for key, value in formatted.items() if key in {"locations", "path"}}
    if type(cause) in _FAULTS and isinstance(cause, OsagoError):
        return {**told(cause), **place}
    return {**masked(cause), **place}


def raised(error: Exception) -> Mapping[str, Any]:
    """An error that came out of the schema instead of its result."""
    if isinstance(error, GraphQLError):
        return _format(error)
    if isinstance(error, REQUEST_ERRORS):
        return _format(GraphQLError(_reason(error)))
    return masked(error)


def _reason(error: Exception) -> str:
    match error:
        case MissingQueryError():
            return "Нужен документ GraphQL: query."
        case InvalidOperationTypeError():
            return "Такую операцию здесь выполнить нельзя: мутации — методом POST, подписки — по WebSocket."
        case _:
            return "Нет операции с таким именем, или их несколько, а имя не указано: operationName."


def masked(cause: BaseException) -> dict[str, Any]:
    """A fault of our own: its traceback goes to the log, the caller gets the id of that line."""
    request_id = structlog.contextvars.get_contextvars().get("request_id") or secrets.token_hex(8)
    log.error("operation.failed", request_id=request_id, exc_info=cause)
    metrics.ERRORS.labels("INTERNAL").inc()
    return {"message": _INTERNAL, "extensions": {"code": "INTERNAL", "requestId": request_id}}
