"""What a caller asks: the parameters of a GraphQL request, out of a body, a URL or a frame."""

import re
from collections.abc import Mapping
from typing import Any, Final, cast

import msgspec

_HASH: Final = re.compile(r"(?:sha256:)?([0-9a-f]{64})")


class Asked(msgspec.Struct, rename="camel"):
    """The parameters of a GraphQL request: a document, or the hash of a trusted one, or both."""

    query: str | None = None
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    extensions: dict[str, Any] | None = None
    document_id: str | None = None

    @property
    def names_a_document(self) -> bool:
        return self.query is not None or self.document_id is not None or self._persisted is not None

    @property
    def hash(self) -> str | None:
        """SHA-256 of the document that is meant, in hex; "" where what is sent is none."""
        named = self.document_id
        if named is None and self._persisted is not None:
            sent = self._persisted.get("sha256Hash")
            named = sent if isinstance(sent, str) else ""
        if named is None:
            return None
        match = _HASH.fullmatch(named)
        return match[1] if match else ""

    @property
    def _persisted(self) -> Mapping[str, Any] | None:
        """As clients with persisted queries send it: `{"persistedQuery": {"version": 1, "sha256Hash": …}}`."""
        persisted = (self.extensions or {}).get("persistedQuery")
        return cast("Mapping[str, Any]", persisted) if isinstance(persisted, dict) else None


class Refused(Exception):
    """The HTTP request itself is wrong."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


_decoder: Final = msgspec.json.Decoder(Asked)
_object_decoder: Final = msgspec.json.Decoder(dict[str, Any] | None)


def decode_asked(body: bytes) -> Asked:
    """The parameters out of a body.

    Raises:
        Refused: it is no JSON, or not of the right form. The text does not repeat it.
    """
    try:
        asked = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Refused(
            400, "Ожидается JSON: query — строка, variables и extensions — объекты, operationName — строка."
        ) from None
    if not asked.names_a_document:
        raise Refused(400, "Нужен документ GraphQL: query.")
    return asked


def asked_in_url(parameters: Mapping[str, str]) -> Asked:
    """The parameters out of a URL's query.

    Raises:
        Refused: they are not of the right form.
    """
    asked = Asked(
        parameters.get("query"),
        _object(parameters, "variables"),
        parameters.get("operationName"),
        _object(parameters, "extensions"),
        parameters.get("documentId"),
    )
    if not asked.names_a_document:
        raise Refused(400, "query: нужен параметр с документом.")
    return asked


def _object(parameters: Mapping[str, str], name: str) -> dict[str, Any] | None:
    text = parameters.get(name)
    try:
        return _object_decoder.decode(text) if text else None
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise Refused(400, f"{name}: ожидается объект JSON.") from None
