"""Importing the product changes nothing outside of its own modules."""

import subprocess
import sys
from typing import Final

import pytest

PROGRAM: Final = """
import gc, logging, os, signal, sys

def state():
    return (
        dict(os.environ),
        {number: signal.getsignal(number) for number in signal.valid_signals()},
        (gc.get_threshold(), gc.get_freeze_count(), gc.isenabled()),
        list(logging.root.handlers),
        sorted(name for name, module in sys.modules.items() if module is None),
    )

before = state()
import app, MODULE
changed = [(one, other) for one, other in zip(before, state()) if one != other]
assert not changed, changed
"""


@pytest.mark.parametrize("module", ["app.main", "workers.worker", "cli.main", "osago_adapters.testing"])
def test_an_import_changes_nothing_else(module: str) -> None:
    """An import leaves environment, signals, garbage collector, logging and the importable packages as they were."""
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", PROGRAM.replace("MODULE", module)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
