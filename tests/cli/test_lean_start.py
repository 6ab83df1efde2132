"""A process that serves imports only what it needs to serve."""

import subprocess
import sys

SERVING = """
import sys
import cli.main
from cli.command_line import import_logging_alone
import_logging_alone()
from app.observability import logs
import cli.processes, app.main, workers.worker
print([name for name in ("rich", "structlog") if name in sys.modules])
import rich.console
"""


def test_a_process_that_serves_has_no_use_for_rich() -> None:
    """Importing structlog does not import it; what needs it imports it afterwards."""
    ended = subprocess.run([sys.executable, "-c", SERVING], capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert ended.stdout == "['structlog']\n"
