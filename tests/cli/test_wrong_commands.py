"""Every command with inputs that are wrong: one clear line that names what to mend, exit code 2, and no traceback."""

import subprocess
import sys
from typing import Final

import pytest
from support.commands import ROOT, typed, typed_beside, typed_one_by_one
from support.world import World

NO_SERVER: Final = "postgresql://u@127.0.0.1:1/x"
NO_REDIS: Final = "redis://127.0.0.1:1/0"
APPLICATION: Final = str(ROOT / "examples/application.json")
TRACED: Final = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
LETTER: Final = "00:1795320171366-0"

CASES: Final[list[tuple[list[str], dict[str, str], str]]] = [
    (["demo", "--port", "99999"], {}, "demo: Invalid value for '--port'"),
    (["demo", "--port", "0"], {}, "demo: Invalid value for '--port'"),
    (["demo", "--time-scale", "-1"], {}, "demo: Invalid value for '--time-scale'"),
    (["demo", "--state-dir", "insurers.toml"], {}, "demo: --state-dir: File exists"),
    (["migrate"], {"OSAGO_DATABASE_URL": NO_SERVER}, "OSAGO_DATABASE_URL: PostgreSQL cannot be reached"),
    (["migrate"], {"OSAGO_DATABASE_URL": "mysql://x"}, "OSAGO_DATABASE_URL: expected postgresql://"),
    (["migrate"], {"OSAGO_DATABASE_URL": "postgresql://h:port/x"}, "OSAGO_DATABASE_URL: "),
    (["api", "--port", "-1"], {}, "api: Invalid value for '--port'"),
    (["api", "--processes", "0"], {}, "api: Invalid value for '--processes'"),
    (["api", "--host", "192.0.2.1"], {}, "--host 192.0.2.1 --port 8000: "),
    (["api", "--host", "nowhere.invalid"], {}, "--host nowhere.invalid --port 8000: "),
    (["api"], {"OSAGO_INSURERS_FILE": "."}, ".: Is a directory"),
    (["api"], {"OSAGO_SHARDS": "many"}, "OSAGO_SHARDS: "),
    (["api"], {"OSAGO_LOG_FORMAT": "xml"}, "OSAGO_LOG_FORMAT: expected console or json"),
    (["api"], TRACED | {"OTEL_TRACES_SAMPLER": "some"}, "OTEL_TRACES_SAMPLER: expected always_on"),
    (
        ["worker"],
        TRACED | {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "1%"},
        "OTEL_TRACES_SAMPLER_ARG: ",
    ),
    (["api"], TRACED | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "OTEL_EXPORTER_OTLP_PROTOCOL: traces are sent as"),
    (["api"], {"OSAGO_ENCRYPTION_KEYS": "k1:short"}, "OSAGO_ENCRYPTION_KEYS: "),
    (["worker", "--insurers", "zzz"], {"OSAGO_DATABASE_URL": NO_SERVER}, "--insurers: zzz: not in the file"),
    (["worker", "--metrics-port", "70000"], {}, "worker: Invalid value for '--metrics-port'"),
    (["worker"], {"OSAGO_REDIS_URL": "redis+sentinel://h"}, "OSAGO_REDIS_URL: expected redis://"),
    (["worker"], {"OSAGO_REDIS_URL": "redis://h:port"}, "OSAGO_REDIS_URL: expected redis://"),
    (["worker"], {"OSAGO_DATABASE_URL": "postgresql://h:port/x"}, "OSAGO_DATABASE_URL: "),
    (["sandbox", "--port", "99999"], {}, "sandbox: Invalid value for '--port'"),
    (["sandbox", "--time-scale", "fast"], {}, "sandbox: Invalid value for '--time-scale'"),
    (["sandbox", "--tariff-folder", "nowhere"], {}, "OSAGO_TARIFF_FOLDER: nowhere: No such file"),
    (["worker"], {"OSAGO_TARIFF_FOLDER": "nowhere"}, "OSAGO_TARIFF_FOLDER: nowhere: No such file"),
    (["tariff", "--on", "2026-13-01"], {}, "--on: expected a date"),
    (["tariff", "--kladr", "Москва"], {}, "--kladr: expected 2 to 19 digits"),
    (["tariff"], {"OSAGO_TARIFF_FOLDER": "nowhere"}, "OSAGO_TARIFF_FOLDER: nowhere: No such file"),
    (["core-app", "--token", "x", "--shards", "0"], {}, "core-app: Invalid value for '--shards'"),
    (["core-app", "--token", "x", "--secret", "short"], {}, "--secret (OSAGO_CORE_APP_SECRET): at least"),
    (
        ["core-app", "--token", "x", "--redis-url", "redis://x"],
        {"OSAGO_FEED_KEYS": ""},
        "--feed-keys (OSAGO_FEED_KEYS): needed",
    ),
    (["core-app", "--token", "x", "--feed-keys", "k1:00"], {}, "--feed-keys (OSAGO_FEED_KEYS): expected id:hex"),
    (["quote"], {}, "quote: Missing argument 'file'"),
    (["quote", "."], {"OSAGO_TOKEN": "x"}, ".: Is a directory"),
    (["quote", "binary"], {"OSAGO_TOKEN": "x"}, "binary: no JSON"),
    (["quote", "list.json"], {"OSAGO_TOKEN": "x"}, "list.json: expected an object"),
    (["quote", APPLICATION], {}, "--token: needed"),
    (["quote", APPLICATION, "--token", "тайна"], {}, "--token: not one"),
    (["quote", APPLICATION, "--token", "x", "--url", "127.0.0.1:8000"], {}, "--url: 127.0.0.1:8000: expected http://"),
    (["token", "--ttl"], {}, "Option '--ttl' requires an argument"),
    (["token", "--ttl", "9999d"], {}, "--ttl: at most"),
    (["token"], {"OSAGO_AUTH_SECRET": "short"}, "OSAGO_AUTH_SECRET: needed"),
    (["keys", "rotate"], {"OSAGO_DATABASE_URL": NO_SERVER}, "OSAGO_DATABASE_URL: PostgreSQL cannot be reached"),
    (["keys", "rotate"], {"OSAGO_ENCRYPTION_KEYS": ""}, "OSAGO_ENCRYPTION_KEYS: needed"),
    (["keys", "turn"], {}, "keys: No such command 'turn'"),
    (["forget"], {}, "forget: Missing option '--customer'"),
    (["dead-letters", "list"], {"OSAGO_REDIS_URL": NO_REDIS}, "OSAGO_REDIS_URL: Redis cannot be reached"),
    (["dead-letters", "show"], {}, "dead-letters show: Missing argument"),
    (["dead-letters", "show", LETTER], {}, f"{LETTER}: there is no such dead letter"),
    (["dead-letters", "show", "99:1-0"], {}, "99:1-0: there is no such dead letter"),
    (["dead-letters", "drop", "nonsense"], {}, "nonsense: an id looks like"),
    (["dead-letters", "retry", LETTER], {"OSAGO_ENCRYPTION_KEYS": ""}, "OSAGO_ENCRYPTION_KEYS: needed"),
    (["insurers"], {"OSAGO_INSURERS_FILE": "binary"}, "binary: "),
    (["insurers", "check", "zzz"], {}, "zzz: not in"),
    (["insurers", "check", "--with-application", "list.json"], {}, "list.json: no JSON object"),
    (["insurers", "pause", "sever"], {}, "insurers pause: Missing option '--why'"),
    (["insurers", "pause", "sever", "--why", " "], {}, "--why: needed, for the audit"),
    (["insurers", "pause", "sever", "--why", "x", "--for", "0s"], {}, "--for: a duration is a number with a unit"),
    (["insurers", "pause", "sever", "--why", "x", "--for", "31d"], {}, "--for: at least 1s, at most 30d"),
    (["insurers", "pause", "zzz", "--why", "x"], {}, "zzz: not in the file of insurers, which has sever"),
    (["insurers", "resume", "sever", "--why", "x"], {}, "sever is not paused"),
    (["insurers", "limit", "sever", "0/s", "--why", "x"], {}, "a rate is a number per unit of time"),
    (["insurers", "limit", "sever", "99999/s", "--why", "x"], {}, "a rate is at most 10000/s"),
    (["insurers", "circuit", "sever", "ajar", "--why", "x"], {}, "ajar: a circuit is forced open or closed"),
    (
        ["insurers", "circuit", "sever", "open", "--why", "x"],
        {"OSAGO_DATABASE_URL": NO_SERVER},
        "OSAGO_DATABASE_URL: PostgreSQL cannot be reached",
    ),
    (["workers"], {"OSAGO_REDIS_URL": NO_REDIS}, "OSAGO_REDIS_URL: Redis cannot be reached"),
    (["workers", "drain", "left", "--why", "x"], {}, "left: no worker of this name is alive"),
    (["requests", "cancel", "--why", "x"], {}, "requests cancel: ids of requests, or --insurer ID"),
    (["requests", "cancel", "zzz", "--why", "x"], {}, "zzz: not the id of a request"),
    (["schema", "--of", "wsdl"], {}, "schema: Invalid value for '--of'"),
    (["fly"], {}, "No such command 'fly'"),
]


@pytest.fixture
def wrong_files(world: World) -> World:
    world.write_insurers("sever")
    (world.folder / "binary").write_bytes(b"\xff\xfe\x00")
    (world.folder / "list.json").write_text("[]")
    return world


def test_a_wrong_input_is_one_clear_line(wrong_files: World) -> None:
    """The exit code is 2, and there is no traceback."""
    refusals = typed_one_by_one(wrong_files, [case[:2] for case in CASES])
    for (arguments, environment, text), done in zip(CASES, refusals, strict=True):
        what = (arguments, environment, done.err)
        assert (done.code, done.out) == (2, ""), what
        assert done.err.removeprefix("osago: ").replace("osago demo: ", "demo: ", 1).startswith(text), what
        assert done.err.count("\n") == 1, what


async def test_a_url_that_is_not_the_api_is_named_with_the_path_that_is_missing(world: World) -> None:
    """The sandbox answers, and so does the API under another path."""
    await world.insurers("sever")
    for url in (world.sandbox_url, f"{world.sandbox_url}/docs"):
        done = await typed_beside(world, "quote", APPLICATION, "--token", "x", "--url", url)
        assert done.returncode == 2
        assert done.stderr.startswith(f"osago: --url: {url} is not the GraphQL API (status ")
        assert done.stderr.endswith(": its path ends in /graphql\n")
        assert done.stderr.count("\n") == 1


def test_a_database_without_tables_is_one_line_that_names_the_command(world: World) -> None:
    """A new installation has no tables before `osago migrate`."""
    world.write_insurers("sever")
    bare = f"{world.environment['OSAGO_DATABASE_URL']}".replace(world.database.name, "template1")
    for arguments in (["keys", "rotate"], ["forget", "--customer", "eve"]):
        done = typed(world, *arguments, OSAGO_DATABASE_URL=bare)
        assert (done.returncode, "`osago migrate` makes them" in done.stderr) == (2, True), done.stderr
        assert done.stderr.count("\n") == 1


def test_a_reader_that_has_enough_ends_a_command_quietly(world: World) -> None:
    """`osago schema | head -1`: 12 KB and more find a closed pipe."""
    command = [sys.executable, "-m", "cli.main", "schema", "--of", "openapi"]
    with subprocess.Popen(  # noqa: S603 - our own command
        command, cwd=world.folder, env={**world.environment, "PYTHONPATH": str(ROOT)}, stdout=-1, stderr=-1
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 1
