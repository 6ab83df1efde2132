"""Upgrades to WebSockets at the pace of `app.server.connect_admission`; what is refused hears when to come again.

A program reads the status of a refused upgrade and its `Retry-After`. A browser hides both from its page, which sees the code and
the reason of a close frame alone: an upgrade with `Origin` is therefore accepted and closed at once, by hand, at a tenth of the CPU.
"""

import math
from typing import Final

from websockets.utils import accept_key

from app.server.closing_codes import TRY_AGAIN_LATER
from app.server.connect_admission import CONNECTS, ConnectAdmission, try_again_text
from app.server.http1.http_limits import LimitedHttp
from app.server.http1.lingering import close_lingering
from app.server.http1.paced_protocol import HEAD_TOO_LARGE

PROTOCOL_HEADER: Final = b"sec-websocket-protocol"
_KEY_HEADER: Final = b"sec-websocket-key"
_CLOSE: Final = 0x88
"""A close frame, whole."""
OFFER_BYTES_MAX: Final = 1024
"""Of all `Sec-WebSocket-*` headers together: the key, the version, subprotocols and extensions."""
_OF_OFFER: Final = b"sec-websocket-"
_OF_UPGRADE: Final = frozenset({b"connection", b"upgrade"})
_UPGRADE: Final = [(b"connection", b"Upgrade"), (b"upgrade", b"websocket")]
"""The two headers of an upgrade to a WebSocket; the parser has checked them already."""


class AdmittedHttp(LimitedHttp):
    """A connection that waits for its admission if it is an `Upgrade`.

    The WebSocket's protocol gets short `Connection` and `Upgrade` headers: `websockets` parses 30 KB of them in 20 ms.
    """

    def handle_websocket_upgrade(self) -> None:
        if sum(len(name) + len(value) for name, value in self.headers if name.startswith(_OF_OFFER)) > OFFER_BYTES_MAX:
            self._end_with(b"HTTP/1.1 %b\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" % HEAD_TOO_LARGE)
            return
        admission: ConnectAdmission | None = self.app_state.get(CONNECTS)
        if admission is None:
            self.admit()
            return
        self.is_waiting = True
        admission.enter(self, self.loop.time())

    def admit(self) -> None:
        """Hands the connection over to the WebSocket's protocol."""
        self.is_waiting = False
        self.scope["headers"] = [one for one in self.headers if one[0] not in _OF_UPGRADE] + _UPGRADE
        super().handle_websocket_upgrade()

    def refuse_for(self, retry_after_s: float) -> None:
        """Refuses the upgrade in the way that this client can read."""
        self.is_waiting = False
        reason = try_again_text(retry_after_s).encode()
        key = self._value_of(_KEY_HEADER)
        if self.has_origin and key:
            self._close_as_websocket(key, reason)
        else:
            head = b"HTTP/1.1 503 Service Unavailable\r\n%bretry-after: %d\r\n" % (
                self.default_headers(),
                math.ceil(retry_after_s),
            )
            fixed = b"content-type: text/plain\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b\n"
            self._end_with(head + fixed % (len(reason) + 1, reason))

    def _close_as_websocket(self, key: bytes, reason: bytes) -> None:
        offered = self._value_of(PROTOCOL_HEADER).split(b",")[0].strip()
        protocol = b"%b: %b\r\n" % (PROTOCOL_HEADER, offered) if offered else b""
        accept = accept_key(key.decode("latin-1")).encode()
        head = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
        payload = TRY_AGAIN_LATER.to_bytes(2, "big") + reason
        frame = b"%c%c%b" % (_CLOSE, len(payload), payload)
        self._end_with(b"%bsec-websocket-accept: %b\r\n%b\r\n%b" % (head, accept, protocol, frame))

    def _end_with(self, answer: bytes) -> None:
        self.hang_up()
        self.transport.write(answer)
        close_lingering(self, self.transport)

    def _value_of(self, name: bytes) -> bytes:
        return next((value for header, value in self.headers if header == name), b"")
