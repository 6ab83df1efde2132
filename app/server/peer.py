"""The peer of a WebSocket, or of an answer that lasts, as only the server knows it: whether it takes what is sent, and a short way to it.

Where the server has no such thing in the scope, everything goes through ASGI, which knows neither.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from app.server.peer_budget import PeerBudget

EXTENSION: Final = "osago.peer"
"""In the scope's extensions: its `peer` is a Peer."""


class Peer(Protocol):
    """The interface of a connection, once it is accepted, or its answer has begun."""

    budget: PeerBudget
    """The connection's: what the application spends and what the server spends come out of one."""
    on_writable: Callable[[], None] | None
    """Called when it takes messages again."""
    on_stalled: Callable[[], None] | None
    """Called when it has taken nothing for too long. Soon after that it is cut off."""
    on_draining: Callable[[], None] | None
    """Called when the process stops, at this connection's moment, so that an answer that lasts can end. A WebSocket is closed by its protocol."""

    @property
    def is_writable(self) -> bool:
        """False while it reads too slowly, and when it is gone: nothing more is to be written then."""
        ...

    def write(self, text: bytes) -> None:
        """Sends one text message, or a piece of an answer, in UTF-8, in this turn of the event loop."""
        ...

    def flush(self) -> None:
        """Sends at once what was written in this turn: what goes through ASGI then comes after it."""
        ...


def peer_of(scope: Mapping[str, Any]) -> Peer | None:
    """The peer of this connection, where the server passes it on."""
    return scope.get("extensions", {}).get(EXTENSION, {}).get("peer")


def address_of(scope: Mapping[str, Any]) -> str:
    """The client's address, behind trusted proxies too; empty where the server does not know it."""
    return (scope.get("client") or ("",))[0]


def budget_of(scope: Mapping[str, Any]) -> PeerBudget:
    """The budget of this connection; where the server has none, one for the application's part alone."""
    peer = peer_of(scope)
    return peer.budget if peer else PeerBudget()
