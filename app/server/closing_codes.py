"""Codes that a socket of graphql-transport-ws is closed with, and the exception that closes it."""

from typing import Final

ABNORMAL: Final = 1006
"""Never sent: the connection has broken."""
# Clients of graphql-ws come back after 4403, 4408 and 1012…1014; at the other codes they give up.
NO_TEXT: Final = 1007
TRY_AGAIN_LATER: Final = 1013
BAD_REQUEST: Final = 4400
UNAUTHORIZED: Final = 4401
FORBIDDEN: Final = 4403
SUBPROTOCOL_NOT_ACCEPTABLE: Final = 4406
SUBSCRIBER_EXISTS: Final = 4409
TOO_MANY_INITS: Final = 4429


class SocketClosing(Exception):
    """The connection ends with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
