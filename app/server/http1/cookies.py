"""One cookie of a request, before anybody is known."""


def cookie_of(header: str, name: str) -> str:
    """The cookie of this name in a `Cookie` header as it came; "" without one. Of two the first counts.

    No other is read: to read all of a long header takes milliseconds, and where they are in quotes, which ours never are, seconds.
    """
    _, _, rest = f";{header.replace('; ', ';')}".partition(f";{name}=")
    return rest.partition(";")[0]
