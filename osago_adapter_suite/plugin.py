"""The options of the suite. pytest loads this wherever the package is installed, so it imports nothing of ours."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("osago", "the suite of OSAGO adapters (--pyargs osago_adapter_suite)")
    group.addoption("--adapter", metavar="NAME", help="the adapter, as insurers.toml names it")
    group.addoption("--dialect", metavar="NAME", help="what the sandbox speaks to it; by default of the same name")
    group.addoption(
        "--adapter-option",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="one of the adapter's options; may be repeated",
    )
