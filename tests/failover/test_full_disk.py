"""PostgreSQL's disk is full: callers get errors; `/readyz`, the log and a metric say why; afterwards it recovers."""

import subprocess
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from support.plain_http import plain_http
from support.postgresql_cluster import ClusterTemplate, PostgresqlServer, own
from support.until import until
from support.world import ApiAtHand, World

from app.observability import metrics
from cli.quote.aggregator_client import CREATE

_MOVE = """
CREATE TABLESPACE small LOCATION '{}';
ALTER TABLE osago_requests SET TABLESPACE small;
ALTER TABLE osago_purges SET TABLESPACE small;
"""


@contextmanager
def small_disk(folder: Path) -> Generator[Path, None, None]:
    """A file system of some megabytes, where the suite may mount one."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode:  # noqa: S603 - a fixed command
        pytest.skip("a file system can only be mounted by root")
    try:
        (folder / "space").mkdir()
        own(folder)
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S603, S607 - a fixed command


async def test_a_full_disk_is_said_and_passes(world: World, cluster_template: ClusterTemplate) -> None:
    """Nothing is half-accepted; `/readyz` is 503 until a write goes through, though small ones still do."""
    server = PostgresqlServer(await cluster_template.copy())
    with small_disk(cluster_template.root / "disk") as disk:
        try:
            await server.start()
            for statement in filter(str.strip, _MOVE.format(disk / "space").split(";")):
                await server.fetch(statement)
            world.set(database_url=server.url)
            await world.insurers("sever")
            api = await world.api()
            filler = disk / "filler"
            with capture_logs() as logs:
                _fill(filler)
                await until(lambda: _is_refused(world, api))
                await until(lambda: _readiness(api, 503, "its disk is full (53100)"))
                assert metrics.USABLE.labels("postgresql")._value.get() == 0
                assert [line for line in logs if line["event"] == "server.state"]
            filler.unlink()
            await until(lambda: _readiness(api, 200, '"postgresql":"ok"'))
            await world.accepted(api)
            await world.stop()
        finally:
            server.kill()


def _fill(filler: Path) -> None:
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(64 * 1024)):
            pass


async def _is_refused(world: World, api: ApiAtHand) -> bool:
    body = (await api.post(CREATE, {"input": world.new_request()})).json()
    return "errors" in body and body["errors"][0]["extensions"]["code"] == "UNAVAILABLE"


async def _readiness(api: ApiAtHand, status: int, text: str) -> bool:
    async with plain_http() as http:
        reply = await http.get(f"{api.url}/readyz")
    return reply.status_code == status and text in reply.text
