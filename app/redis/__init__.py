"""Jobs and news in Redis, none of it the truth: job streams, event streams, notifications and shared states."""

import importlib
import sys


def _import_redis() -> None:
    """Imports redis-py without the SDK of OpenTelemetry, which it looks for on import: its own metrics are not used, and a start costs a tenth of a second less."""
    if "opentelemetry" in sys.modules or "redis" in sys.modules:
        return
    sys.modules["opentelemetry"] = None  # type: ignore[assignment]  # an import of it fails from here on …
    try:
        importlib.import_module("redis.asyncio")
    finally:
        del sys.modules["opentelemetry"]  # … to here


_import_redis()
