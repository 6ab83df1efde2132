"""The first reads of an HTTP request on every face: the token, the request's id, the kind and size of the body."""

import codecs
import re
from collections.abc import Mapping
from random import getrandbits
from typing import Any, Final

from starlette.requests import ClientDisconnect, HTTPConnection, Request

from app.api.graphql_errors import BadHttpRequest
from app.domain.errors import NotAuthenticated

BODY_BYTES_MAX: Final = 64 * 1024
_BYTE_ORDER_MARKS: Final = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_GZIP: Final = b"\x1f\x8b"
"""Invisible in an editor, and so named in the answer."""
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def id_of(request: HTTPConnection) -> str:
    """As `request_id_from`, of a request or a handshake."""
    return request_id_from(request.headers.get("x-request-id", ""))


def request_id_from(header: str) -> str:
    """The caller's own id of the request if it is a plain one, else a new one, which is no secret. It is in the log too."""
    return header if _REQUEST_ID.fullmatch(header) else f"{getrandbits(64):016x}"


def bearer(request: HTTPConnection) -> str:
    """As `token_from`, of a request or a handshake."""
    return token_from(request.headers.get("authorization", ""))


def token_from(header: str) -> str:
    """The token in `Authorization`.

    Raises:
        NotAuthenticated: there is none.
    """
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotAuthenticated
    return token.strip()


def token_of(payload: Mapping[str, Any], handshake: HTTPConnection) -> str:
    """The token of a `connection_init`: `{"token": …}`, or as `Authorization` in any case, in the payload or of the handshake.

    Raises:
        NotAuthenticated: there is none.
    """
    token = payload.get("token")
    sent = (value for name, value in payload.items() if name.lower() == "authorization")
    header = next(sent, None) or handshake.headers.get("authorization", "")
    if token is None and isinstance(header, str) and header[:7].lower() == "bearer ":
        token = header[7:].strip()
    if not isinstance(token, str):
        raise NotAuthenticated
    return token


def check_json(content_type: str) -> None:
    """Returns if the body is said to be JSON.

    Raises:
        BadHttpRequest: it is said to be something else.
    """
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise BadHttpRequest(415, "Content-Type: ожидается application/json.")


def check_body(body: bytes | bytearray) -> None:
    """Returns if the body may be decoded.

    Raises:
        BadHttpRequest: it is too large, compressed, or begins with a byte order mark.
    """
    if len(body) > BODY_BYTES_MAX:
        raise BadHttpRequest(413, f"Тело запроса больше {BODY_BYTES_MAX // 1024} КиБ.")
    if body.startswith(_BYTE_ORDER_MARKS):
        raise BadHttpRequest(400, "Тело начинается с метки порядка байтов (BOM): ожидается JSON в UTF-8 без неё.")
    if body.startswith(_GZIP):
        raise BadHttpRequest(415, "Тело сжато (gzip): ожидается JSON без сжатия.")


async def json_body(request: Request) -> bytes:
    """The body of a request, which says that it is JSON.

    Raises:
        BadHttpRequest: it says something else, is too large, was cut off, or begins with a byte order mark.
    """
    check_json(request.headers.get("content-type", ""))
    body = await read_body(request)
    check_body(body)
    return body


async def read_body(request: Request) -> bytes:
    """The body; of one that is too large, more than `BODY_BYTES_MAX` of it.

    Raises:
        BadHttpRequest: it was cut off.
    """
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_BYTES_MAX:
                break
    except ClientDisconnect:
        raise BadHttpRequest(400, "Тело запроса оборвалось.") from None
    return bytes(body)
