"""Commands beside a running demo: they have its settings, and an operator's list needs no key of the data."""

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import jwt
import pytest
from support.commands import ROOT, typed, typed_beside
from support.world import World

from app.redis.dead_letters import DeadLetter, DeadLetters
from sandbox.demo.environment import hand_over, quote_command

UNNAMED = dict.fromkeys(
    ("OSAGO_DATABASE_URL", "OSAGO_REDIS_URL", "OSAGO_INSURERS_FILE", "OSAGO_AUTH_SECRET", "OSAGO_ENCRYPTION_KEYS"), ""
)
NO_SERVER = "postgresql://u@127.0.0.1:1/x"
LETTER = DeadLetter("sever", UUID(int=7), 5, "failed", "builtins.ZeroDivisionError\n  lane.py", datetime.now(UTC))


def handed_over(world: World, folder: Path, *, url: str = "http://127.0.0.1:1/graphql", token: str = "") -> None:
    """What a demo in this folder has written."""
    folder.mkdir()
    hand_over(folder, {**world.environment, "OSAGO_TOKEN": token}, url=url)


async def buried(world: World) -> str:
    settler = await world.settler()
    letters = DeadLetters(settler.resources.redis, shards=1)
    await letters.bury(LETTER)
    (id_,) = [letter.id async for letter in letters.all()]
    return id_


async def test_dead_letters_are_read_without_the_key_of_applications_and_without_postgresql(world: World) -> None:
    """Redis has all of a letter that is shown; a retry alone opens the application."""
    world.write_insurers("sever")
    letter = await buried(world)
    bare = {"OSAGO_ENCRYPTION_KEYS": "", "OSAGO_DATABASE_URL": NO_SERVER}
    listed = await typed_beside(world, "dead-letters", "list", **bare)
    assert (listed.returncode, [line.split()[0] for line in listed.stdout.splitlines()]) == (0, ["id", letter])
    shown = await typed_beside(world, "dead-letters", "show", letter, **bare)
    assert (shown.returncode, "ZeroDivisionError" in shown.stdout) == (0, True)
    retried = await typed_beside(world, "dead-letters", "retry", letter, **bare)
    assert (retried.returncode, retried.stdout) == (2, "")
    assert retried.stderr.startswith("osago: OSAGO_ENCRYPTION_KEYS: needed")
    dropped = await typed_beside(world, "dead-letters", "drop", letter, **bare)
    assert (dropped.returncode, dropped.stdout) == (0, "dropped 1\n")


async def test_commands_in_the_folder_of_a_demo_use_its_servers(world: World) -> None:
    """Commands that need the demo's secrets have them, too."""
    await world.insurers("sever")
    handed_over(world, world.folder / ".osago")
    letter = await buried(world)
    listed = await typed_beside(world, "dead-letters", "list", **UNNAMED)
    assert letter in listed.stdout, listed.stderr
    for arguments, printed in (
        (["insurers"], "sever"),
        (["keys", "rotate"], "re-encrypted 0"),
        (["forget", "--customer", "eve"], "forgotten 0"),
        (["token"], "."),
    ):
        done = await typed_beside(world, *arguments, **UNNAMED)
        assert (done.returncode, printed in done.stdout) == (0, True), done.stderr


@pytest.mark.parametrize("name", ["OSAGO_DATABASE_URL", "OSAGO_REDIS_URL"])
def test_an_environment_that_names_a_server_gets_nothing_of_the_demo(world: World, name: str) -> None:
    """All or nothing: the demo's key must not be used on data of another database."""
    world.write_insurers("sever")
    handed_over(world, world.folder / ".osago")
    done = typed(world, "token", **{**UNNAMED, name: world.environment[name]})
    assert (done.returncode, done.stderr.startswith("osago: OSAGO_AUTH_SECRET: needed")) == (2, True)
    (world.folder / ".env").write_text(f"{name}={world.environment[name]}\n")
    done = typed(world, "token", **UNNAMED)
    assert (done.returncode, done.stderr.startswith("osago: OSAGO_AUTH_SECRET: needed")) == (2, True)


def test_a_key_of_the_environment_is_not_replaced_by_the_demos(world: World) -> None:
    """A token that is signed beside a demo, with another system's secret, is that system's."""
    world.write_insurers("sever")
    handed_over(world, world.folder / ".osago")
    (world.folder / ".osago/env").write_text(f"export OSAGO_AUTH_SECRET='{'d' * 48}'\n")
    named = {**UNNAMED, "OSAGO_AUTH_SECRET": world.environment["OSAGO_AUTH_SECRET"]}
    done = typed(world, "token", **named)
    signed = jwt.decode(done.stdout.strip(), named["OSAGO_AUTH_SECRET"], algorithms=["HS256"], audience="osago")
    assert signed["sub"] == "core-app"


def test_a_demo_of_a_checkout_prints_make_quote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside of a checkout the command names neither the Makefile nor its folder."""
    monkeypatch.chdir(tmp_path)
    usual, other = tmp_path / ".osago", tmp_path / "state of mine"
    assert quote_command(usual) == ". .osago/env; osago quote FILE"
    Path("Makefile").touch()
    assert quote_command(usual) == "make quote"
    assert quote_command(other) == ". 'state of mine/env'; osago quote FILE"


@pytest.mark.processes
async def test_the_quote_command_of_a_demo_with_a_state_dir_of_its_own_runs_as_printed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pasted into a shell without the demo's variables."""
    await world.insurers("sever")
    api = await world.api()
    await world.worker()
    folder = world.folder / "state of mine"
    handed_over(world, folder, url=api.graphql, token=api.token)
    monkeypatch.chdir(world.folder)
    command = quote_command(folder).replace("FILE", str(ROOT / "examples/application.json"))
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = await asyncio.to_thread(
        subprocess.run,
        ["sh", "-c", command],
        cwd=world.folder,
        env={"PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "OFFERED" in done.stdout
