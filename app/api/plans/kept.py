"""The plans that this process has."""

from collections import OrderedDict
from typing import Final

from graphql import DocumentNode, GraphQLSchema

from app.api.document_cache import DocumentCache
from app.api.plans.plan import Plan, compile_plan
from app.api.plans.simple import NotSimple

PLANS_BYTES_MAX: Final = 4 * 1024 * 1024
MET_MOST: Final = 256
_COMPILED_BYTES: Final = 24 * 1024
"""What a plan holds beside its document: the types of its variables, and its selection as an expression."""

Key = tuple[str, str | None]
"""A document's text and the name of the operation in it."""


class Plans:
    """Plans by document, those that are used longest ago forgotten first.

    Only a document that has just served a service that may ask is learnt, and not before its second time: browsers
    cannot push others out, and documents that never come again are not compiled.
    """

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._plans = DocumentCache[Key, Plan](PLANS_BYTES_MAX)
        # By their hashes, for texts may be long; two documents with one are as unlikely as harmless.
        self._met: OrderedDict[int, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._plans)

    def known(self, text: str, name: str | None) -> Plan | None:
        """The plan of this operation, if it has one."""
        return self._plans.get((text, name))

    def learn(self, text: str, name: str | None, document: DocumentNode, size: int) -> None:
        """Compiles the plan of a valid document of so many bytes that comes for the second time, if it is simple enough."""
        met = hash((text, name))
        if met not in self._met:
            self._met[met] = None
            if len(self._met) > MET_MOST:
                self._met.popitem(last=False)
            return
        try:
            self._plans.keep((text, name), compile_plan(self._schema, document, name), size + _COMPILED_BYTES)
        except NotSimple:
            self._met.move_to_end(met)
