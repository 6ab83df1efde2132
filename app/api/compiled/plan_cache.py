"""The plans that this process has."""

from collections import OrderedDict
from typing import Final

from graphql import DocumentNode, GraphQLSchema

from app.api.compiled.mutation_plan import MutationPlan, compile_plan
from app.api.compiled.not_compilable import PLANS, NotCompilable, report_fault
from app.api.execution.document_cache import DocumentCache
from app.runtime.supervision import failures_of

PLANS_BYTES_MAX: Final = 4 * 1024 * 1024
MET_MAX: Final = 256
_COMPILED_BYTES: Final = 24 * 1024
"""What a plan holds beside its document: the types of its variables, and its selection as an expression."""

Key = tuple[str, str | None]
"""A document's text and the name of the operation in it."""


class PlanCache:
    """Plans by document, those that are used longest ago forgotten first.

    Only a document that has just served a service that may ask is learnt, and not before its second time: browsers
    cannot push others out, and documents that never come again are not compiled.
    """

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._plans = DocumentCache[Key, MutationPlan](PLANS_BYTES_MAX)
        # By their hashes, for texts may be long; two documents with one are as unlikely as harmless.
        self._met: OrderedDict[int, bool] = OrderedDict()
        """Whether there may be a plan for it: what has failed once is not tried again."""
        failures_of(PLANS)

    def __len__(self) -> int:
        return len(self._plans)

    def known(self, text: str, name: str | None) -> MutationPlan | None:
        """The plan of this operation, if it has one."""
        return self._plans.get((text, name))

    def learn(self, text: str, name: str | None, document: DocumentNode, size: int) -> None:
        """Compiles the plan of a valid document of so many bytes that comes for the second time, if it is simple enough.

        Never raises.
        """
        may_have_one = self._met.get(hash((text, name)))
        if may_have_one is None:
            self._meet(text, name, may_have_one=True)
        elif may_have_one and self.known(text, name) is None:
            self._compile(text, name, document, size)

    def give_up(self, text: str, name: str | None, error: Exception) -> None:
        """A bug in this plan, or in compiling it: graphql-core has the document from now on."""
        report_fault(error)
        self._plans.drop((text, name))
        self._meet(text, name, may_have_one=False)

    def _compile(self, text: str, name: str | None, document: DocumentNode, size: int) -> None:
        try:
            plan = compile_plan(self._schema, document, name)
        except NotCompilable:
            self._meet(text, name, may_have_one=False)
        except Exception as error:  # noqa: BLE001 - the request has been answered, and so will the next ones be
            self.give_up(text, name, error)
        else:
            self._plans.keep((text, name), plan, size + _COMPILED_BYTES)
            if self.known(text, name) is None:  # it is too heavy, and need not be compiled again to find that out
                self._meet(text, name, may_have_one=False)

    def _meet(self, text: str, name: str | None, *, may_have_one: bool) -> None:
        met = hash((text, name))
        self._met[met] = may_have_one
        self._met.move_to_end(met)
        if len(self._met) > MET_MAX:
            self._met.popitem(last=False)
