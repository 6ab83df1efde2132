"""The demo's settings for commands that are typed beside it, in the folder where it runs."""

import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from app.config.settings import Settings
from app.domain.errors import WrongSetting

DEMO_ENVIRONMENT: Final = Path(".osago/env")
_OF_ONE_SYSTEM: Final = ("OSAGO_DATABASE_URL", "OSAGO_REDIS_URL", "OSAGO_AUTH_SECRET", "OSAGO_ENCRYPTION_KEYS")
_NAMED: Final = re.compile(rf"^\s*(?:export\s+)?(?:{'|'.join(_OF_ONE_SYSTEM)})\s*=\s*\S", re.MULTILINE)


def load_settings() -> Settings:
    """Settings of the environment and `.env`; the demo's where these name neither a server nor a key.

    All or nothing: an environment that names one server and no key must not get the demo's key, and one with a key not another key.

    Raises:
        WrongSetting: a value is wrong.
    """
    if DEMO_ENVIRONMENT.is_file() and not _is_system_named():
        os.environ.update(read_environment(DEMO_ENVIRONMENT))
    return Settings.load()


def read_environment(file: Path) -> Mapping[str, str]:
    """The variables of a file of `export NAME='value'` lines.

    Raises:
        WrongSetting: it is not such a file.
    """
    try:
        words = [shlex.split(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
        pairs = [assignment.partition("=") for _export, assignment in words]
    except (OSError, ValueError):
        raise WrongSetting(f"{file}: cannot be read; `osago demo` writes it anew") from None
    return {name: value for name, _, value in pairs}


def _is_system_named() -> bool:
    if any(os.environ.get(name) for name in _OF_ONE_SYSTEM):
        return True
    file = Path(".env")
    return file.is_file() and bool(_NAMED.search(file.read_text(encoding="utf-8", errors="replace")))
