"""The application: domain, storage, streams, use cases, and the GraphQL API as its one shell."""

import sys

# structlog looks for rich to print tracebacks with, which we print plainly; finding it takes an eighth of the time that
# a process takes to start. Whoever wants rich for itself imports it as ever.
if "structlog" not in sys.modules and "rich" not in sys.modules:
    sys.modules["rich"] = None  # type: ignore[assignment]
    import structlog  # noqa: F401  # pyright: ignore[reportUnusedImport]

    del sys.modules["rich"]
