"""Documents made ready to run: trusted, parsed within limits, measured, validated, and kept with the verdict.

Those of services and the trusted ones are kept apart from those of browsers, which cannot push them out.
"""

import hashlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    Visitor,
    parse,
    specified_rules,
    validate,
    visit,
)
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from app.api.compiled.subscription_plan import CompiledSubscription, compile_subscriptions
from app.api.execution.document_cache import DocumentCache, release_tokens
from app.api.execution.document_cost import TOKENS_MAX, TooComplex, check_text, measure
from app.api.graphql_request import GraphQLRequest
from app.domain.errors import CallerError, WrongSetting
from app.use_cases.caller_shares import CallerShare

KEPT_BYTES_MAX: Final = 4 * 1024 * 1024
"""Of the documents of services, and again of those of browsers."""
_COMPILED_FACTOR: Final = 1.5
"""What is compiled of a document (events written out) takes about half of what the document does."""
_BARE_BYTES: Final = 1024
"""What stands around any document."""
ERRORS_MAX: Final = 5
"""Errors that are reported for one document; more of them would only cost CPU and log lines."""
_RULES: Final = (*specified_rules, OneOfInputValidationRule)
_INTROSPECTION: Final = frozenset({"__schema", "__type"})


class BadDocument(CallerError):
    """The document, or the choice of an operation in it, is wrong; `errors` say how."""

    def __init__(self, errors: Sequence[GraphQLError]) -> None:
        super().__init__(f"{len(errors)} errors")
        self.errors = tuple(errors)


class UnknownDocument(CallerError):
    """No trusted document has this hash."""


class UntrustedDocument(CallerError):
    """Only trusted documents are run here, and this is none."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a good document, ready to run."""

    document: DocumentNode
    name: str | None
    type: OperationType
    introspects: bool
    size: int
    """Bytes that are kept of the document."""
    written: CompiledSubscription | None = None
    """Of a subscription that is simple enough."""


@dataclass(frozen=True, slots=True)
class _Known:
    document: DocumentNode
    written: Mapping[str | None, CompiledSubscription]
    operations: Mapping[str | None, OperationType]
    introspects: bool
    size: int


class PreparedDocuments:
    """Every document that this process knows. The rules are built once."""

    def __init__(
        self, schema: GraphQLSchema, trusted: Mapping[str, str] | None = None, *, only_trusted: bool = False
    ) -> None:
        self._schema = schema
        self._trusted = trusted or {}
        self._only_trusted = only_trusted
        self._of_services = DocumentCache[str, _Known](KEPT_BYTES_MAX)
        self._of_browsers = DocumentCache[str, _Known](KEPT_BYTES_MAX)

    def prepare(self, asked: GraphQLRequest, share: CallerShare | None = None) -> Operation:
        """The operation that is asked for, by a caller with this share: but for a known subscription it is a query.

        Raises:
            BadDocument: the document does not parse, does not fit the schema, or has no such operation.
            TooComplex: it costs more than one may.
            UnknownDocument: only a hash is given, and no trusted document has it.
            UntrustedDocument: the document is not among the trusted ones, and no others are run.
            ShareExhausted: the caller asks too often.
        """
        known, is_new = self._look_up(self._text(asked), share)
        name = asked.operation_name
        if name is None and len(known.operations) > 1:
            raise BadDocument([GraphQLError("Операций несколько: укажите имя, operationName.")])
        if name is not None and name not in known.operations:
            raise BadDocument([GraphQLError("Нет операции с таким именем: operationName.")])
        own_name = name if name is not None else next(iter(known.operations), None)
        type_ = known.operations.get(own_name)
        if share and not is_new and type_ is not OperationType.SUBSCRIPTION:
            share.take_query()
        if type_ is None:
            raise BadDocument([GraphQLError("В документе нет операций.")])
        return Operation(
            known.document,
            name,
            type_,
            known.introspects,
            known.size,
            known.written.get(own_name),
        )

    def _text(self, asked: GraphQLRequest) -> str:
        hash_, text = asked.hash, asked.query
        if hash_ is not None and text is None:
            if hash_ not in self._trusted:
                raise UnknownDocument
            return self._trusted[hash_]
        if not text:
            raise BadDocument([GraphQLError("Нужен документ GraphQL: query.")])
        if hash_ is not None or self._only_trusted:
            own = _hash(text)
            if hash_ not in (None, own):
                raise BadDocument([GraphQLError("Хеш не от этого документа: sha256Hash.")])
            if self._only_trusted and own not in self._trusted:
                raise UntrustedDocument
        return text

    def _look_up(self, text: str, share: CallerShare | None) -> tuple[_Known, bool]:
        """What is known of a document, and whether it was read just now.

        Good documents are kept; a bad one is read anew each time, for its limits make that cheap.
        """
        known = self._of_services.get(text)
        if known is not None:
            return known, False
        known, browser = self._of_browsers.get(text), share and share.browser
        is_new = known is None
        if known is None:
            if share:
                share.take_query()
            known = _read(self._schema, text)
        if browser is None:
            self._of_services.keep(text, known, known.size)
        elif is_new:
            self._of_browsers.keep(text, known, known.size, browser)
        return known, is_new


def load_trusted(schema: GraphQLSchema, file: Path | None) -> Mapping[str, str]:
    """Reads `{"<sha256>": "<document>", …}`, as persisted-document tools write it.

    Raises:
        WrongSetting: the file cannot be read, or a hash is not its document's, or a document is no good.
    """
    if file is None:
        return {}
    try:
        trusted = msgspec.json.decode(file.read_bytes(), type=dict[str, str])
    except OSError as error:
        raise WrongSetting(f"OSAGO_TRUSTED_DOCUMENTS: {file}: {error.strerror}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise WrongSetting(f"OSAGO_TRUSTED_DOCUMENTS: {file}: no object of hashes and documents: {error}") from None
    for hash_, text in trusted.items():
        if hash_ != _hash(text):
            raise WrongSetting(f"OSAGO_TRUSTED_DOCUMENTS: {file}: {hash_} is not the SHA-256 of its document")
        try:
            _read(schema, text)
        except BadDocument as error:
            raise WrongSetting(f"OSAGO_TRUSTED_DOCUMENTS: {file}: {hash_}: {error.errors[0].message}") from None
        except TooComplex:
            raise WrongSetting(f"OSAGO_TRUSTED_DOCUMENTS: {file}: {hash_}: it costs more than one may") from None
    return trusted


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _read(schema: GraphQLSchema, text: str) -> _Known:
    check_text(text)
    try:
        document = parse(text, max_lexical_tokens=TOKENS_MAX)
    except GraphQLError as error:
        if error.message.endswith("Parsing aborted."):
            raise TooComplex(f"Лексем больше {TOKENS_MAX}, или вложенность слишком глубока.") from None
        raise BadDocument([error]) from None
    operations = [part for part in document.definitions if isinstance(part, OperationDefinitionNode)]
    measure(document)
    errors = validate(schema, document, _RULES, max_errors=ERRORS_MAX, hide_suggestions=True)
    if errors:
        raise BadDocument(errors[:ERRORS_MAX])
    types = {operation.name.value if operation.name else None: operation.operation for operation in operations}
    written = compile_subscriptions(schema, document)
    size = int(release_tokens(document) * (_COMPILED_FACTOR if written else 1))
    return _Known(document, written, types, _introspects(document), sys.getsizeof(text) + size + _BARE_BYTES)


def _introspects(document: DocumentNode) -> bool:
    finder = _Finder()
    visit(document, finder)
    return finder.found


class _Finder(Visitor):
    found = False

    def enter_field(self, node: FieldNode, *_: object) -> None:
        self.found = self.found or node.name.value in _INTROSPECTION
