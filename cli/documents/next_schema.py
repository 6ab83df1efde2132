"""What the next schema breaks of a document that is good today: its selection, its variables, the types of what it gets."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    VariableDefinitionNode,
    Visitor,
    build_schema,
    is_required_input_field,
    print_ast,
    visit,
)

from app.api.execution.document_reading import errors_against
from app.domain.errors import WrongSetting

_SCHEMA_BYTES_MAX: Final = 4 * 1024 * 1024


class NextSchema:
    """A schema that is to come after this one."""

    def __init__(self, now: GraphQLSchema, later: GraphQLSchema) -> None:
        self._now = now
        self._later = later

    def breaks(self, document: DocumentNode) -> Sequence[str]:
        """Why a document that fits the schema of now will not do with the next one."""
        if errors := errors_against(self._later, document):
            return [_without_end(error.message) for error in errors]
        asked = _Asked(self._now)
        visit(document, TypeInfoVisitor(asked.types, asked))
        return [*self._wrong_fields(asked), *self._wrong_variables(asked)]

    def _wrong_fields(self, asked: "_Asked") -> Iterator[str]:
        for type_name, name in sorted(asked.fields):
            now, later = (_field_type(schema, type_name, name) for schema in (self._now, self._later))
            if now and later and not _still_gives(now, later):
                yield f"{type_name}.{name} becomes {later}, and is {now}"

    def _wrong_variables(self, asked: "_Asked") -> Iterator[str]:
        for name in sorted(_reachable(self._now, asked.inputs)):
            now, later = self._now.type_map[name], self._later.type_map.get(name)
            if isinstance(now, GraphQLEnumType) and isinstance(later, GraphQLEnumType):
                yield from (
                    f"{name} has no value {value} any more" for value in now.values if value not in later.values
                )
            elif isinstance(now, GraphQLInputObjectType) and isinstance(later, GraphQLInputObjectType):
                yield from _wrong_input_fields(now, later)
            elif type(now) is not type(later):
                yield f"{name} is gone, or another kind of type"


def read_next_schema(now: GraphQLSchema, file: Path) -> NextSchema:
    """The schema of a file of SDL, as `osago schema` of the next release prints it.

    Raises:
        WrongSetting: it is none.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(_SCHEMA_BYTES_MAX + 1)
        if len(content) > _SCHEMA_BYTES_MAX:
            raise WrongSetting(f"--schema: {file}: longer than {_SCHEMA_BYTES_MAX // 1024 // 1024} MiB")
        # Directives of others, a supergraph's perhaps, need no definition.
        return NextSchema(now, build_schema(content.decode("utf-8-sig"), assume_valid_sdl=True))
    except OSError as error:
        raise WrongSetting(f"--schema: {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise WrongSetting(f"--schema: {file}: no UTF-8") from None
    except (GraphQLError, TypeError, RecursionError) as error:
        raise WrongSetting(f"--schema: {file}: no schema of GraphQL (SDL): {error}") from None


class _Asked(Visitor):
    """The fields that a document selects, and the input types of its variables."""

    def __init__(self, schema: GraphQLSchema) -> None:
        super().__init__()
        self.types = TypeInfo(schema)
        self.fields = set[tuple[str, str]]()
        self.inputs = set[str]()

    def enter_field(self, node: FieldNode, *_: object) -> None:
        parent = self.types.get_parent_type()
        if parent and not node.name.value.startswith("__"):
            self.fields.add((parent.name, node.name.value))

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: object) -> None:
        self.inputs.add(_bare(print_ast(node.type)))


def _reachable(schema: GraphQLSchema, names: Iterable[str]) -> set[str]:
    """These input types, and those of their fields."""
    found, left = set[str](), list(names)
    while left:
        name = left.pop()
        type_ = schema.type_map.get(name)
        if name in found or type_ is None:
            continue
        found.add(name)
        if isinstance(type_, GraphQLInputObjectType):
            left += [_bare(str(field.type)) for field in type_.fields.values()]
    return found


def _wrong_input_fields(now: GraphQLInputObjectType, later: GraphQLInputObjectType) -> Iterator[str]:
    for name, field in later.fields.items():
        if name not in now.fields and is_required_input_field(field):
            yield f"{now.name}.{name} is new, and required"
    for name, field in now.fields.items():
        if name not in later.fields:
            yield f"{now.name}.{name} is gone"
        elif not _still_takes(str(field.type), str(later.fields[name].type)):
            yield f"{now.name}.{name} becomes {later.fields[name].type}, and is {field.type}"


def _field_type(schema: GraphQLSchema, type_name: str, name: str) -> str:
    """As SDL writes it; "" where there is no such field."""
    type_: Any = schema.type_map.get(type_name)
    field: Any = getattr(type_, "fields", {}).get(name)
    return str(field.type) if field else ""


def _bare(type_: str) -> str:
    return type_.strip("[]!")


def _still_gives(now: str, later: str) -> bool:
    """Whether readers of one type can read the other, as SDL writes them: null only where it was, the same lists and names."""
    if now.endswith("!"):
        return later.endswith("!") and _still_gives(now[:-1], later[:-1])
    later = later.removesuffix("!")
    if now.startswith("["):
        return later.startswith("[") and _still_gives(now[1:-1], later[1:-1])
    return now == later


def _still_takes(now: str, later: str) -> bool:
    """Whether values of one type may be sent where the other is expected; a list takes a single value too."""
    if later.endswith("!"):
        return now.endswith("!") and _still_takes(now[:-1], later[:-1])
    now = now.removesuffix("!")
    if later.startswith("["):
        return _still_takes(now[1:-1] if now.startswith("[") else now, later[1:-1])
    return now == later


def _without_end(sentence: str) -> str:
    return sentence.removesuffix(".")
