"""Links that a customer may follow: https, a plain host, and nothing that a browser reads otherwise than we do."""

import re
from typing import Final

URL_LENGTH_MOST: Final = 2048
# No user, no other scheme, no backslash, blank or quote: what is left means the same to everybody.
_HTTPS: Final = re.compile(
    r"https://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?([/?#][!#-&(-;=?-Z_a-z~%\[\]]*)?", re.IGNORECASE
)


def is_https_url(text: str) -> bool:
    """Whether it is one."""
    return len(text) <= URL_LENGTH_MOST and text.startswith("https://") and _HTTPS.fullmatch(text) is not None


def https_url(text: str | None) -> str | None:
    """The link if it is one; of what an insurer sends otherwise nothing is left."""
    return text if text is not None and is_https_url(text) else None
