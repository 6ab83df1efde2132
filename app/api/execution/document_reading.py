"""A document read within the limits, and held against a schema."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from graphql import DocumentNode, GraphQLError, GraphQLSchema, parse, specified_rules, validate
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from app.api.execution.document_cost import TOKENS_MAX, DocumentCost, check_text, measure
from app.api.graphql_errors import ERRORS_MAX, BadDocument, TooComplex

_RULES: Final = (*specified_rules, OneOfInputValidationRule)


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """A document within the limits."""

    document: DocumentNode
    cost: DocumentCost


def parse_document(text: str) -> ParsedDocument:
    """Parses and measures a document; it may still not fit the schema.

    Raises:
        BadDocument: it does not parse.
        TooComplex: it costs more than one may.
    """
    check_text(text)
    try:
        document = parse(text, max_lexical_tokens=TOKENS_MAX)
    except GraphQLError as error:
        if error.message.endswith("Parsing aborted."):
            raise TooComplex(
                f"Лексем больше {TOKENS_MAX}, или вложенность слишком глубока.",
                f"more than {TOKENS_MAX} tokens, or too deep to parse",
            ) from None
        raise BadDocument([error]) from None
    return ParsedDocument(document, measure(document))


def errors_against(schema: GraphQLSchema, document: DocumentNode) -> Sequence[GraphQLError]:
    """How a document does not fit the schema, a few of them at most."""
    return validate(schema, document, _RULES, max_errors=ERRORS_MAX, hide_suggestions=True)[:ERRORS_MAX]
