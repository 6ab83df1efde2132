"""The plans that this process has."""

from collections import OrderedDict
from typing import Final, TypeVar

from graphql import DocumentNode, GraphQLSchema

from app.api.plans.plan import Plan, compile_plan
from app.api.plans.simple import PLANS, NotSimple, report_fault
from app.supervision import failures_of

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
        self._met: OrderedDict[Key, bool] = OrderedDict()
        """Whether there may be a plan for it: what has failed once is not tried again."""
        failures_of(PLANS)

    def __len__(self) -> int:
        return len(self._plans)

    def known(self, text: str, name: str | None) -> Plan | None:
        """The plan of this operation, if it has one."""
        plan = self._plans.get((text, name))
        if plan is not None:
            self._plans.move_to_end((text, name))
        return plan

    def learn(self, text: str, name: str | None, document: DocumentNode) -> None:
        """Compiles the plan of a valid document that comes for the second time, if it is simple enough. Never raises."""
        key = (text, name)
        if key not in self._met:
            _keep(self._met, key, value=True, most=MET_MOST)
        elif self._met[key] and key not in self._plans:
            self._compile(key, document)

    def give_up(self, text: str, name: str | None, error: Exception) -> None:
        """A bug in this plan, or in compiling it: graphql-core has the document from now on."""
        report_fault(error)
        self._plans.pop((text, name), None)
        _keep(self._met, (text, name), value=False, most=MET_MOST)

    def _compile(self, key: Key, document: DocumentNode) -> None:
        try:
            _keep(self._plans, key, value=compile_plan(self._schema, document, key[1]), most=KEPT_MOST)
        except NotSimple:
            _keep(self._met, key, value=False, most=MET_MOST)
        except Exception as error:  # noqa: BLE001 - the request has been answered, and so will the next ones be
            self.give_up(*key, error)


def _keep(kept: OrderedDict[Key, Value], key: Key, *, value: Value, most: int) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > most:
        kept.popitem(last=False)
