"""The reference, made from the code: GraphQL schema, commands, settings, metrics and errors, a page each."""

import ast
import inspect
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final, cast

import click
import typer.main
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLUnionType,
    build_schema,
)
from prometheus_client import Counter, Gauge, Histogram
from pydantic import SecretStr

from app.api.error_codes import MEANINGS
from app.api.schema.build import sdl
from app.config.settings import Settings
from app.observability import metrics
from cli.main import app

_ROOTS: Final = ("Query", "Mutation", "Subscription")
_BUILT_IN: Final = frozenset({"String", "Int", "Float", "Boolean", "ID"})


def reference_pages() -> dict[str, str]:
    """The text of each page by its name."""
    return {
        "graphql.md": _graphql(),
        "commands.md": _commands(),
        "settings.md": _settings(),
        "metrics.md": _metrics(),
        "errors.md": _errors(),
    }


def _graphql() -> str:
    types = build_schema(sdl()).type_map
    own = [kind for name, kind in types.items() if not name.startswith("__") and name not in _BUILT_IN]
    ordered = sorted(own, key=lambda kind: (kind.name not in _ROOTS, kind.name))
    parts = ["# GraphQL\n\nEvery type of the schema, as the API serves it.\n"]
    return "\n".join(parts + [f"## {kind.name}\n\n{_about(kind)}{_content(kind)}" for kind in ordered])


def _content(kind: GraphQLNamedType) -> str:
    if isinstance(kind, GraphQLEnumType):
        return _table(("value", "about"), [(f"`{name}`", _line(it)) for name, it in kind.values.items()])
    if isinstance(kind, GraphQLUnionType):
        return "One of " + ", ".join(f"[{member.name}](#{member.name.lower()})" for member in kind.types) + ".\n"
    if isinstance(kind, GraphQLInputObjectType | GraphQLObjectType | GraphQLInterfaceType):
        rows = [(f"`{name}{_arguments(it)}`", _linked(it.type), _line(it)) for name, it in kind.fields.items()]
        return _table(("field", "type", "about"), rows)
    return ""


def _arguments(field: Any) -> str:
    arguments = getattr(field, "args", None)
    return f"({', '.join(f'{name}: {it.type}' for name, it in arguments.items())})" if arguments else ""


def _linked(kind: Any) -> str:
    name = str(kind).strip("[]!").replace("!]", "").strip("[]!")
    return f"`{kind}`" if name in _BUILT_IN else f"[`{kind}`](#{name.lower()})"


def _about(it: Any) -> str:
    return f"{it.description.strip()}\n\n" if it.description else ""


def _line(it: Any) -> str:
    return " ".join((it.description or "").split())


def _commands() -> str:
    root = cast("click.Group", typer.main.get_command(app))
    parts = ["# Commands\n\nEach is `uv run osago …`, or `osago …` where the package is installed.\n"]
    for name, command in _walk(root):
        rows = [
            (_flags(each), _default(each), getattr(each, "help", None) or "")
            for each in command.params
            if each.name != "help"
        ]
        about = inspect.cleandoc(command.help or "")
        parts.append(
            f"## osago {name}\n\n{about}\n\n" + (_table(("argument", "default", "about"), rows) if rows else "")
        )
    return "\n".join(parts)


def _walk(group: click.Group, above: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in sorted(group.commands.items()):
        if isinstance(command, click.Group):
            yield from _walk(command, f"{above}{name} ")
        else:
            yield above + name, command


def _flags(parameter: click.Parameter) -> str:
    is_argument = isinstance(parameter, click.Argument)
    names = [(parameter.name or "").upper()] if is_argument else [*parameter.opts, *parameter.secondary_opts]
    return " ".join(f"`{name}`" for name in names)


def _default(parameter: click.Parameter) -> str:
    default = parameter.default
    if parameter.required:
        return "required"
    return "" if default is None or default == "" or callable(default) else f"`{getattr(default, 'value', default)}`"


def _settings() -> str:
    about = _attribute_docs(Settings)
    rows: list[tuple[str, ...]] = []
    for name, field in Settings.model_fields.items():
        default = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
        shown = (
            ""
            if default is None or default == ""
            else f"`{str(default).lower() if isinstance(default, bool) else default}`"
        )
        rows.append((f"`OSAGO_{name.upper()}`", shown, about.get(name, "")))
    head = (
        "# Settings\n\nFrom the environment or `.env`. [Operations](../operations.md#settings) says more of each.\n\n"
    )
    return head + _table(("variable", "default", "about"), rows)


def _attribute_docs(cls: type) -> dict[str, str]:
    """The text below each attribute of the class, on one line."""
    body = cast("ast.ClassDef", ast.parse(inspect.getsource(cls)).body[0]).body
    found: dict[str, str] = {}
    for attribute, text in pairwise(body):
        if isinstance(attribute, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            found[cast("ast.Name", attribute.target).id] = " ".join(str(text.value.value).split())
    return found


def _metrics() -> str:
    rows: list[tuple[str, ...]] = []
    for it in vars(metrics).values():
        if isinstance(it, Counter | Gauge | Histogram):
            described = next(iter(it.describe()))
            name = f"{described.name}_total" if isinstance(it, Counter) else described.name
            labels = cast("tuple[str, ...]", vars(it)["_labelnames"])
            rows.append(
                (f"`{name}`", described.type, " ".join(f"`{each}`" for each in labels), described.documentation)
            )
    head = "# Metrics\n\nWhat `GET /metrics` shows. [Operations](../operations.md#metrics) says how to read them.\n\n"
    return head + _table(("metric", "kind", "labels", "about"), sorted(rows))


def _errors() -> str:
    rows = [(f"`{code}`", it.what, it.remedy) for code, it in MEANINGS.items()]
    head = "# Errors\n\n`extensions.code` of an error, in GraphQL's answers and in REST's problem documents.\n\n"
    return head + _table(("code", "what it means", "what to do"), rows)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
