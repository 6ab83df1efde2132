"""Documents made ready to run: trusted, parsed within limits, measured, validated, and kept with the verdict."""

import hashlib
from collections import OrderedDict
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

from app.api.compiled.subscription_plan import Written, written_subscriptions
from app.api.execution.document_cost import TOKENS_MOST, TooComplex, measure
from app.api.graphql_request import Asked
from app.domain.errors import CallerError, WrongSetting

KEPT_MOST: Final = 256
ERRORS_MOST: Final = 5
"""Errors that are told of one document; more of them help nobody and cost CPU and log lines."""
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
    written: Written | None = None
    """Of a subscription that is simple enough."""


@dataclass(frozen=True, slots=True)
class _Known:
    document: DocumentNode
    written: Mapping[str | None, Written]
    operations: Mapping[str | None, OperationType]
    introspects: bool


class Operations:
    """Every document that this process knows. The rules are built once."""

    def __init__(
        self, schema: GraphQLSchema, trusted: Mapping[str, str] | None = None, *, only_trusted: bool = False
    ) -> None:
        self._schema = schema
        self._trusted = trusted or {}
        self._only_trusted = only_trusted
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def prepare(self, asked: Asked) -> Operation:
        """The operation that is asked for.

        Raises:
            BadDocument: the document does not parse, does not fit the schema, or has no such operation.
            TooComplex: it costs more than one may.
            UnknownDocument: only a hash is given, and no trusted document has it.
            UntrustedDocument: the document is not among the trusted ones, and no others are run.
        """
        known = self._look_up(self._text(asked))
        name = asked.operation_name
        if name is None and len(known.operations) > 1:
            raise BadDocument([GraphQLError("Операций несколько: укажите имя, operationName.")])
        if name is not None and name not in known.operations:
            raise BadDocument([GraphQLError("Нет операции с таким именем: operationName.")])
        own_name = name if name is not None else next(iter(known.operations), None)
        type_ = known.operations.get(own_name)
        if type_ is None:
            raise BadDocument([GraphQLError("В документе нет операций.")])
        return Operation(
            known.document,
            name,
            type_,
            known.introspects,
            known.written.get(own_name),
        )

    def _text(self, asked: Asked) -> str:
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

    def _look_up(self, text: str) -> _Known:
        """Good documents are kept; a bad one is read anew each time, for its limits make that cheap."""
        known = self._known.get(text)
        if known is not None:
            self._known.move_to_end(text)
            return known
        known = self._known[text] = _read(self._schema, text)
        if len(self._known) > KEPT_MOST:
            self._known.popitem(last=False)
        return known


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
    try:
        document = parse(text, max_lexical_tokens=TOKENS_MOST)
    except GraphQLError as error:
        if error.message.endswith("Parsing aborted."):
            raise TooComplex(f"Лексем больше {TOKENS_MOST}, или вложенность слишком глубока.") from None
        raise BadDocument([error]) from None
    operations = [part for part in document.definitions if isinstance(part, OperationDefinitionNode)]
    measure(document)
    errors = validate(schema, document, _RULES, max_errors=ERRORS_MOST, hide_suggestions=True)
    if errors:
        raise BadDocument(errors[:ERRORS_MOST])
    types = {operation.name.value if operation.name else None: operation.operation for operation in operations}
    return _Known(
        document,
        written_subscriptions(schema, document),
        types,
        _introspects(document),
    )


def _introspects(document: DocumentNode) -> bool:
    finder = _Finder()
    visit(document, finder)
    return finder.found


class _Finder(Visitor):
    found = False

    def enter_field(self, node: FieldNode, *_: object) -> None:
        self.found = self.found or node.name.value in _INTROSPECTION
