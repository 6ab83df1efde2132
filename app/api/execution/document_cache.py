"""A cache of prepared documents, bounded by bytes: a count would not bound it, for a document may be large.

A document that is too heavy is not kept at all. An owner (a browser) has room for a few; beyond that it pushes its own out.
"""

import sys
from collections import OrderedDict
from collections.abc import Hashable
from typing import Final, Generic, NamedTuple, TypeVar, cast

from graphql import DocumentNode, NamedTypeNode, NameNode, Node, SelectionSetNode, Token, TokenKind

KEPT_BYTES_MAX: Final = 64 * 1024
"""The most that is kept of one document, its text included."""
OWNED_MAX: Final = 8
"""Documents that one browser keeps here."""
_ATTRIBUTES_BYTES: Final = 112
"""The attributes of a node, beside itself."""
_NO_PLACE: Final = (NameNode, SelectionSetNode, NamedTypeNode)
_NO_TOKEN: Final = Token(TokenKind.SOF, 0, 0, 0, 0)

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class _Entry(NamedTuple, Generic[Value]):
    value: Value
    size: int
    owner: Hashable


class DocumentCache(Generic[Key, Value]):
    """Values by document; those that were used longest ago are dropped first."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._entries: OrderedDict[Key, _Entry[Value]] = OrderedDict()
        self.bytes = 0
        """The bytes of all entries."""

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key) -> Value | None:
        """The entry of this document; it counts as used."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry.value

    def keep(self, key: Key, value: Value, size: int, owner: Hashable = None) -> None:
        """Keeps a value of so many bytes, unless it is too heavy; `owner` None: it belongs to no browser."""
        if size > KEPT_BYTES_MAX:
            return
        self.drop(key)
        if owner is not None:
            owned = [known for known, entry in self._entries.items() if entry.owner == owner]
            for known in owned[: len(owned) - OWNED_MAX + 1]:
                self.drop(known)
        self._entries[key] = _Entry(value, size, owner)
        self.bytes += size
        while self.bytes > self._bytes_max:
            self.drop(next(iter(self._entries)))

    def drop(self, key: Key) -> None:
        """Keeps it no longer."""
        entry = self._entries.pop(key, None)
        self.bytes -= entry.size if entry else 0


def release_tokens(document: DocumentNode) -> int:
    """Lets go of the lexer's tokens, comments among them, which every node's place holds; returns the bytes that are left.

    Errors of execution still have their places: these need no token, and are those of fields, arguments and variables.
    """
    size, nodes = 0, cast("list[Node]", [document])
    while nodes:
        node = nodes.pop()
        size += sys.getsizeof(node) + _ATTRIBUTES_BYTES
        if isinstance(node, _NO_PLACE):
            object.__setattr__(node, "loc", None)  # nodes are frozen, and nothing else has this one yet
        elif node.loc:
            node.loc.start_token = node.loc.end_token = _NO_TOKEN
            size += sys.getsizeof(node.loc)
        for name in node.keys:
            value: object = getattr(node, name, None)
            if isinstance(value, Node):
                nodes.append(value)
            elif isinstance(value, tuple | list):
                size += sys.getsizeof(cast("object", value))
                nodes += cast("tuple[Node, ...]", value)
            elif isinstance(value, str):
                size += sys.getsizeof(value)
    return size
