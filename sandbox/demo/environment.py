"""The demo's settings: secrets that stay the same from run to run, and addresses that do not."""

import base64
import json
import os
import re
import secrets
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.config.key_derivation import EVENTS, derived_key

INSURERS_FILE: Final = "insurers.toml"
DEMO_FILE: Final = "demo.json"
ENVIRONMENT_FILE: Final = "env"
"""For shells, and for the commands of `cli.demo_settings`."""
_SECRETS_FILE: Final = "secrets.json"
_SOURCES: Final = (Path(__file__).parents[2] / "insurers.toml", Path(__file__).parents[1] / "insurers.toml")
_SANDBOX: Final = re.compile(r"http://127\.0\.0\.1:8100")


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the processes listen."""

    api: int
    sandbox: int
    core_app: int
    workers: tuple[int, ...]


def demo_environment(folder: Path, *, database_url: str, redis_url: str, ports: Ports) -> Mapping[str, str]:
    """The environment of every process of the demo. Servers that the caller's own environment names are kept."""
    kept = _secrets(folder)
    return {
        **os.environ,
        "OSAGO_DATABASE_URL": database_url,
        "OSAGO_REDIS_URL": redis_url,
        "OSAGO_INSURERS_FILE": str(_insurers(folder, ports.sandbox)),
        "OSAGO_ORIGINS": ",".join(f"http://{host}:{ports.core_app}" for host in ("127.0.0.1", "localhost")),
        "OSAGO_PUBLIC_URL": f"http://127.0.0.1:{ports.api}",
        "OSAGO_AUTH_SECRET": kept["auth_secret"],
        "OSAGO_CORE_APP_SECRET": kept["core_app_secret"],
        "OSAGO_ENCRYPTION_KEYS": f"demo:{kept['encryption_key']}",
        "OSAGO_FEED_KEYS": f"demo:{derived_key(base64.b64decode(kept['encryption_key']), EVENTS).hex()}",
    }


def remember_demo(folder: Path, *, port: int, token: str) -> None:
    """Leaves address and token for `osago quote`."""
    _write_privately(folder / DEMO_FILE, json.dumps({"url": f"http://127.0.0.1:{port}/graphql", "token": token}))


def hand_over(folder: Path, environment: Mapping[str, str], *, url: str) -> Path:
    """Writes the demo's settings for other terminals, readable by this user alone: `. .osago/env`."""
    shared = {name: value for name, value in environment.items() if name.startswith("OSAGO_")} | {"OSAGO_URL": url}
    file = folder / ENVIRONMENT_FILE
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in sorted(shared.items()) if value]
    _write_privately(file, "".join(lines))
    return file


def source_command(folder: Path) -> str:
    """Takes the demo's settings over, as it is typed in this folder."""
    file, here = folder / ENVIRONMENT_FILE, Path.cwd()
    return f". {shlex.quote(str(file.relative_to(here) if file.is_relative_to(here) else file))}"


def quote_command(folder: Path) -> str:
    """Asks the demo for quotes, as it is typed in this folder: `make quote` finds a demo in a checkout's `.osago` alone."""
    if folder == Path(".osago").resolve() and Path("Makefile").is_file():
        return "make quote"
    return f"{source_command(folder)}; osago quote FILE"


def server_of_its_own(folder: Path, name: str) -> str:
    """The server that the caller's environment names; empty where a shell has it from an earlier demo's file."""
    value, file = os.environ.get(name, ""), folder / ENVIRONMENT_FILE
    is_ours = file.is_file() and f"export {name}={shlex.quote(value)}\n" in file.read_text(encoding="utf-8")
    return "" if is_ours else value


def _secrets(folder: Path) -> Mapping[str, str]:
    """Those of the run before; what that run did not have yet is made."""
    file = folder / _SECRETS_FILE
    kept: dict[str, str] = {
        "auth_secret": secrets.token_urlsafe(48),
        "encryption_key": base64.b64encode(secrets.token_bytes(32)).decode(),
        "core_app_secret": secrets.token_urlsafe(48),
        **(json.loads(file.read_text()) if file.is_file() else {}),
    }
    _write_privately(file, json.dumps(kept))
    return kept


def _write_privately(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.chmod(0o600)
    file.write_text(text, encoding="utf-8")


def _insurers(folder: Path, sandbox_port: int) -> Path:
    """The project's insurers, at the sandbox's address of this run."""
    source = next(path for path in _SOURCES if path.is_file())
    file = folder / INSURERS_FILE
    text = source.read_text(encoding="utf-8")
    file.write_text(_SANDBOX.sub(f"http://127.0.0.1:{sandbox_port}", text), encoding="utf-8")
    return file
