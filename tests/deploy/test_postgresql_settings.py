"""`deploy/postgresql.conf`: a reason for each setting, a server that takes all of them, and everything that uses it."""

import re
from pathlib import Path

import yaml

from sandbox.demo.servers import Postgresql

ROOT = Path(__file__).parents[2]
CONF = ROOT / "deploy" / "postgresql.conf"
SETTING = re.compile(r"(\w+) = (\S.*?)\s+# (\S.*)")


def test_each_setting_has_its_reason() -> None:
    """The reason stands beside the setting, on its line."""
    lines = [line for line in CONF.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    assert lines
    assert [line for line in lines if not SETTING.fullmatch(line)] == []


def test_compose_demo_and_bench_use_it() -> None:
    """Figures and demos then show the settings that run."""
    postgres = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]["postgres"]
    assert "./deploy/postgresql.conf:/etc/postgresql/osago.conf:ro" in postgres["volumes"]
    assert "config_file=/etc/postgresql/osago.conf" in postgres["command"]
    for name in ("sandbox/demo/demo.py", "bench/system.py", "bench/bulkhead.py"):
        assert "is_tuned=True" in (ROOT / name).read_text(encoding="utf-8")


async def test_a_server_takes_every_setting(tmp_path: Path) -> None:
    """The server is the embedded one of the demo."""
    import asyncpg  # noqa: PLC0415 - only here

    server = Postgresql(tmp_path / "postgres", is_tuned=True)
    server.start()
    try:
        connection = await asyncpg.connect(server.url())
        rows = await connection.fetch(
            "SELECT name, error, applied FROM pg_file_settings WHERE sourcefile LIKE '%osago.conf'"
        )
        await connection.close()
    finally:
        server.stop()
    assert {row["name"] for row in rows} == {found[1] for found in SETTING.finditer(CONF.read_text(encoding="utf-8"))}
    assert [dict(row) for row in rows if row["error"]] == []
