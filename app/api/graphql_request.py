"""The parameters of a GraphQL request, out of a body, a URL or a frame."""

import re
from collections.abc import Mapping
from typing import Any, Final, cast

import msgspec

from app.api.graphql_errors import BadHttpRequest, TooComplex

_SHA256: Final = re.compile(r"sha256:([0-9a-f]{64})")


class GraphQLRequest(msgspec.Struct, rename="camel"):
    """The parameters of a GraphQL request: a document, or the id of a trusted one, or both.

    Clients name a document in four ways: `documentId` (GraphQL over HTTP), `doc_id` (as Relay's guide has it), `id` (other
    network layers of Relay), `extensions.persistedQuery.sha256Hash` (Apollo).
    """

    query: str | None = None
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    extensions: dict[str, Any] | None = None
    document_id: str | None = None
    doc_id: Any = msgspec.field(default=None, name="doc_id")
    id: Any = None
    """Beside a document it has other meanings: layers that number their requests send it with every one."""

    @property
    def names_a_document(self) -> bool:
        return self.query is not None or self.trusted_id is not None

    @property
    def trusted_id(self) -> str | None:
        """The id of the document that is meant, a SHA-256 without its prefix; "" where what is sent is none."""
        named: object = self.document_id
        if named is None:
            named = self.doc_id
        if named is None and (persisted := self._persisted) is not None:
            named = persisted.get("sha256Hash") or ""
        if named is None and not self.query:
            named = self.id
        return None if named is None else bare_id(named) if isinstance(named, str) else ""

    @property
    def _persisted(self) -> Mapping[str, Any] | None:
        """As clients with persisted queries send it: `{"persistedQuery": {"version": 1, "sha256Hash": …}}`."""
        if not self.extensions:
            return None
        persisted = self.extensions.get("persistedQuery")
        return cast("Mapping[str, Any]", persisted) if isinstance(persisted, dict) else None


def bare_id(id_: str) -> str:
    """An id without the prefix `sha256:`, with which GraphQL over HTTP has it."""
    match = _SHA256.fullmatch(id_)
    return match[1] if match else id_


VALUES_MAX: Final = 3000
"""The most values in a body's JSON, roughly: graphql-core takes up to a microsecond for each, twice where it is wrong."""
_FEW_BYTES: Final = 4096
"""A shorter text is not counted."""

_decoder: Final = msgspec.json.Decoder(GraphQLRequest)
_object_decoder: Final = msgspec.json.Decoder(dict[str, Any] | None)


def check_values(text: bytes | str) -> None:
    """Returns if JSON has no more values than it may: in front of each stands a comma or what opens an object or a list.

    Raises:
        TooComplex: it has more.
    """
    if len(text) <= _FEW_BYTES:
        return
    marks = (b",", b"{", b"[") if isinstance(text, bytes) else (",", "{", "[")
    if sum(map(text.count, marks)) > VALUES_MAX:  # type: ignore[arg-type]
        raise TooComplex(f"Значений в запросе больше {VALUES_MAX}.", f"more than {VALUES_MAX} values")


def decode_request(body: bytes) -> GraphQLRequest:
    """The parameters out of a body.

    Raises:
        BadHttpRequest: it is no JSON, or not of the right form. The text does not repeat it.
        TooComplex: it has more values than it may.
    """
    try:
        request = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise BadHttpRequest(
            400, "Ожидается JSON: query — строка, variables и extensions — объекты, operationName — строка."
        ) from None
    check_values(body)
    if not request.names_a_document:
        raise BadHttpRequest(400, "Нужен документ GraphQL: query.")
    return request


def request_from_url(parameters: Mapping[str, str]) -> GraphQLRequest:
    """The parameters out of a URL's query.

    Raises:
        BadHttpRequest: they are not of the right form.
        TooComplex: as `decode_request`.
    """
    request = GraphQLRequest(
        parameters.get("query"),
        _object(parameters, "variables"),
        parameters.get("operationName"),
        _object(parameters, "extensions"),
        parameters.get("documentId"),
        parameters.get("doc_id"),
        parameters.get("id"),
    )
    if not request.names_a_document:
        raise BadHttpRequest(400, "query: нужен параметр с документом.")
    return request


def _object(parameters: Mapping[str, str], name: str) -> dict[str, Any] | None:
    text = parameters.get(name)
    check_values(text or "")
    try:
        return _object_decoder.decode(text) if text else None
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise BadHttpRequest(400, f"{name}: ожидается объект JSON.") from None
