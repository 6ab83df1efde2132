"""How graphql-core reads events: by the expressions of `app.api.compiled.event_fields`, of which compiled subscriptions are made too."""

from collections.abc import Callable
from typing import Any

from graphql import GraphQLSchema

from app.api.compiled.event_fields import CLASSES, FIELDS, NAMES


def resolve_events(schema: GraphQLSchema) -> None:
    """Gives the schema its resolvers for subscriptions. In queries and mutations the types' own go on."""
    types: Any = schema.type_map
    for type_name, expressions in FIELDS.items():
        for name, expression in expressions.items():
            field = types[type_name].fields[name]
            field.resolve = _resolver(expression, field.resolve)
    names = {class_: name for name, class_ in CLASSES.items()}

    def resolve_type(event: object, *_: object) -> str:
        return names[type(event)]

    types["QuoteEvent"].resolve_type = resolve_type


def _resolver(expression: str, resolve_object: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    source = compile(f"lambda v, e, services: {expression}", "<event field>", "eval")
    read = eval(source, dict(NAMES))  # noqa: S307 - of the table's own making

    def resolve(value: Any, info: Any) -> Any:
        """In a subscription graphql-core's root value is the event."""
        event = info.root_value
        return resolve_object(value, info) if event is None else read(value, event, info.context.services)

    return resolve
