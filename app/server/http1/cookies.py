"""Reads one cookie of a request without parsing the others."""

import re
from collections.abc import Iterable


def cookie_of(headers: Iterable[str], name: str) -> str:
    """The value of this cookie in the `Cookie` headers of a request; "" if there is none. Of two values the first counts.

    Python's own parser takes milliseconds for 30 KB of cookies, and on 3.11 seconds where their values are in quotes.
    """
    header = ";".join(headers)
    if name not in header:
        return ""
    found = re.search(rf"(?:\A|;)[ \t]*{re.escape(name)}[ \t]*=[ \t]*\"?([^;\"]+)", header)
    return found[1].rstrip() if found else ""
