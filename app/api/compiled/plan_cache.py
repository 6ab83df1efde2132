"""The plans that this process has."""

from collections import OrderedDict
from typing import Final, TypeVar

from graphql import DocumentNode, GraphQLSchema

from app.api.compiled.mutation_plan import Plan, compile_plan
from app.api.compiled.not_compilable import NotSimple

KEPT_MOST: Final = 64
MET_MOST: Final = 256

Value = TypeVar("Value")
Key = tuple[str, str | None]
"""A document's text and the name of the operation in it."""


class Plans:
    """Plans by document, those that are used longest ago forgotten first.

    Only a document that has just served a service that may ask is learnt, and not before its second time: browsers
    cannot push others out, and documents that never come again are not compiled.
    """

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._plans: OrderedDict[Key, Plan] = OrderedDict()
        self._met: OrderedDict[Key, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._plans)

    def known(self, text: str, name: str | None) -> Plan | None:
        """The plan of this operation, if it has one."""
        plan = self._plans.get((text, name))
        if plan is not None:
            self._plans.move_to_end((text, name))
        return plan

    def learn(self, text: str, name: str | None, document: DocumentNode) -> None:
        """Compiles the plan of a valid document that comes for the second time, if it is simple enough."""
        if (text, name) not in self._met:
            _keep(self._met, (text, name), None, MET_MOST)
            return
        try:
            _keep(self._plans, (text, name), compile_plan(self._schema, document, name), KEPT_MOST)
        except NotSimple:
            self._met.move_to_end((text, name))


def _keep(kept: OrderedDict[Key, Value], key: Key, value: Value, most: int) -> None:
    kept[key] = value
    if len(kept) > most:
        kept.popitem(last=False)
