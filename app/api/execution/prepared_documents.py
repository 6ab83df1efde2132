"""Documents made ready to run: trusted, parsed within limits, measured, validated, and kept with what is compiled of them.

Those of services and the trusted ones are kept apart from those of browsers, which cannot push them out.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    Visitor,
    visit,
)

from app.api.compiled.mutation_plan import MutationPlan, compile_plan
from app.api.compiled.selections import PLANS, NotCompilable
from app.api.compiled.subscription_plan import CompiledSubscription, compile_subscriptions
from app.api.execution.document_cache import KEPT_BYTES_MAX as DOCUMENT_BYTES_MAX
from app.api.execution.document_cache import DocumentCache, release_tokens
from app.api.execution.document_cost import INTROSPECTION, EntitiesField, check_representations
from app.api.execution.document_files import TrustedDocument, sha256_of
from app.api.execution.document_reading import errors_against, parse_document
from app.api.execution.document_uses import DocumentUses
from app.api.graphql_errors import BadDocument, TooComplex, UnknownDocument, UntrustedDocument
from app.api.graphql_request import GraphQLRequest
from app.domain.errors import WrongSetting
from app.runtime.supervision import failures_of, report_failure
from app.use_cases.caller_shares import CallerShare

KEPT_BYTES_MAX: Final = 4 * 1024 * 1024
"""The bytes of all documents of services, and again of all those of browsers."""
_COMPILED_FACTOR: Final = 1.5
"""The compiled writer of events takes about half of the memory that the document takes."""
_PLAN_BYTES: Final = 24 * 1024
"""The memory of a mutation's plan: its selection as an expression, compiled."""
_BARE_BYTES: Final = 1024
"""The memory that any document takes beside its own content."""


class Unplanned(Enum):
    """Why an operation has no plan."""

    NEW = "it has not served a service yet"
    MET = "it has served once"
    NEVER = "graphql-core runs it"


@dataclass(slots=True)
class Operation:
    """One operation of a good document, ready to run: the same object for as long as the document is kept."""

    text: str
    document: DocumentNode
    name: str | None
    type: OperationType
    introspects: bool
    size: int
    """Bytes that are kept of the document."""
    written: CompiledSubscription | None = None
    """The writer of a subscription that is simple enough."""
    plan: MutationPlan | Unplanned = Unplanned.NEW
    entities: Sequence[EntitiesField] = ()
    """Of the document: what a request's variables are counted for."""

    def give_up(self, error: Exception) -> None:
        """Reports a bug in the plan, or in compiling it: graphql-core runs the operation from now on."""
        self.plan = Unplanned.NEVER
        report_failure(PLANS, error)


@dataclass(slots=True)
class _Known:
    operations: Mapping[str | None, Operation]
    size: int


class PreparedDocuments:
    """Every document that this process knows. Those that are trusted go by their ids, and by the SHA-256 of their texts."""

    def __init__(
        self, schema: GraphQLSchema, trusted: Sequence[TrustedDocument] = (), *, only_trusted: bool = False
    ) -> None:
        self._schema = schema
        self._trusted = {sha256_of(one.text): one for one in reversed(trusted)} | {one.id: one for one in trusted}
        self._only_trusted = only_trusted
        self._of_services = DocumentCache[str, _Known](KEPT_BYTES_MAX)
        self._of_browsers = DocumentCache[str, _Known](KEPT_BYTES_MAX)
        self.uses = DocumentUses()
        self.trusted_ids: Sequence[str] = tuple(one.id for one in trusted)
        failures_of(PLANS)
        for one in trusted:
            self._read_ahead(one)

    def _read_ahead(self, one: TrustedDocument) -> None:
        """Reads a trusted document, and compiles its plans, before anything waits for it; as many are kept as there is room for.

        Raises:
            WrongSetting: it is no good.
        """
        try:
            known = _read(self._schema, one.text)
        except BadDocument as error:
            raise WrongSetting(f"{_called(one)}: {error.errors[0].message}") from None
        except TooComplex as error:
            raise WrongSetting(f"{_called(one)}: it costs more than one may: {error.in_english}") from None
        if self._of_services.bytes + known.size + _PLAN_BYTES > KEPT_BYTES_MAX:
            return
        self._of_services.keep(one.text, known, known.size)
        for operation in known.operations.values():
            if operation.type is OperationType.MUTATION:
                self._compile(operation)

    def prepare(self, asked: GraphQLRequest, share: CallerShare | None = None) -> Operation:
        """The operation that is asked for, by a caller with this share: but for a known subscription it is a query.

        Raises:
            BadDocument: the document does not parse, does not fit the schema, or has no such operation.
            TooComplex: it costs more than one may.
            UnknownDocument: only an id is given, and no trusted document has it.
            UntrustedDocument: the document is not among the trusted ones, and no others are run.
            ShareExhausted: the caller asks too often.
        """
        known, is_new = self._look_up(self._text(asked), share)
        name = asked.operation_name
        if name is None and len(known.operations) > 1:
            raise BadDocument([GraphQLError("Операций несколько: укажите имя, operationName.")])
        if name is not None and name not in known.operations:
            raise BadDocument([GraphQLError("Нет операции с таким именем: operationName.")])
        operation = known.operations[name] if name is not None else next(iter(known.operations.values()), None)
        if share and not is_new and not (operation and operation.type is OperationType.SUBSCRIPTION):
            share.take_query()
        if operation is None:
            raise BadDocument([GraphQLError("В документе нет операций.")])
        if operation.entities:
            check_representations(operation.entities, asked.variables)
        return operation

    def learn(self, operation: Operation) -> None:
        """A mutation has served a service that may create requests: compiles its plan at the second time. Never raises.

        So browsers cannot push documents out, and documents that never come again are not compiled.
        """
        if operation.plan is Unplanned.NEW:
            operation.plan = Unplanned.MET
        elif operation.plan is Unplanned.MET:
            self._compile(operation)

    def _compile(self, operation: Operation) -> None:
        known = self._of_services.get(operation.text)
        if known is None:
            return
        operation.plan = Unplanned.NEVER
        size = known.size + _PLAN_BYTES
        if size > DOCUMENT_BYTES_MAX:
            return
        try:
            operation.plan = compile_plan(self._schema, operation.document, operation.name)
        except NotCompilable:
            return
        except Exception as error:  # noqa: BLE001 - the request has been answered, and graphql-core answers the next
            operation.give_up(error)
        else:
            known.size = size
            self._of_services.keep(operation.text, known, size)

    def _text(self, asked: GraphQLRequest) -> str:
        id_, text = asked.trusted_id, asked.query
        if id_ is not None:
            # A socket of Apollo's sends the text as well, with its fragments in another order than the manifest has them.
            if trusted := self._find(id_):
                return trusted.text
            if not text:
                raise UnknownDocument
        if not text:
            raise BadDocument([GraphQLError("Нужен документ GraphQL: query.")])
        if id_ is not None or self._only_trusted:
            own = sha256_of(text)
            if id_ not in (None, own):
                raise BadDocument([GraphQLError("Хеш не от этого документа: sha256Hash.")])
            if self._only_trusted and not self._find(own):
                raise UntrustedDocument
        return text

    def _find(self, id_: str) -> TrustedDocument | None:
        trusted = self._trusted.get(id_)
        if trusted:
            self.uses.note(trusted.id)
        elif self._trusted:
            self.uses.note_unknown(id_)
        return trusted

    def _look_up(self, text: str, share: CallerShare | None) -> tuple[_Known, bool]:
        """The entry of a document, and whether it was read just now.

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


def _called(one: TrustedDocument) -> str:
    return f"{one.file}: {one.name} ({one.id})" if one.name else f"{one.file}: {one.id}"


def _read(schema: GraphQLSchema, text: str) -> _Known:
    parsed = parse_document(text)
    document = parsed.document
    if errors := errors_against(schema, document):
        raise BadDocument(errors)
    operations = [part for part in document.definitions if isinstance(part, OperationDefinitionNode)]
    written = compile_subscriptions(schema, document)
    size = int(release_tokens(document) * (_COMPILED_FACTOR if written else 1)) + sys.getsizeof(text) + _BARE_BYTES
    names = [operation.name.value if operation.name else None for operation in operations]
    introspects = _introspects(document)
    return _Known(
        {
            name: Operation(
                text,
                document,
                name,
                node.operation,
                introspects,
                size,
                written.get(name),
                entities=parsed.cost.entities,
            )
            for name, node in zip(names, operations, strict=True)
        },
        size,
    )


def _introspects(document: DocumentNode) -> bool:
    finder = _Finder()
    visit(document, finder)
    return finder.found


class _Finder(Visitor):
    found = False

    def enter_field(self, node: FieldNode, *_: object) -> None:
        self.found = self.found or node.name.value in INTROSPECTION
