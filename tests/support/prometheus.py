"""A real Prometheus with the product's own rules, and `promtool` for rules over recorded series: Debian's, or unpacked by `.ci/run`."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import yaml
from support.plain_http import plain_http
from support.processes import ROOT
from support.until import until

from sandbox.demo.servers import free_port

RULES: Final = ROOT / "deploy" / "prometheus" / "rules"
_UNPACKED: Final = ROOT / ".osago" / "parts" / "prometheus" / "usr" / "bin"


def part_of_prometheus(name: str) -> str:
    """Path of `prometheus` or `promtool`; without it the test is skipped, and says what would bring it."""
    found = shutil.which(name) or shutil.which(name, path=str(_UNPACKED))
    if found is None:
        pytest.skip(f"there is no {name}: .ci/run brings Debian's package prometheus")
    return found


@dataclass(frozen=True)
class Firing:
    """An alert that fires, with its labels."""

    name: str
    labels: Mapping[str, str]

    def is_about(self, name: str, **labels: str) -> bool:
        return self.name == name and labels.items() <= self.labels.items()


class PrometheusAtHand:
    """Scrapes and evaluates every second; everything else is as deployed."""

    def __init__(self, url: str, http: httpx.AsyncClient) -> None:
        self.url = url
        self._http = http

    async def firing(self) -> list[Firing]:
        """What fires now."""
        alerts = (await self._get("alerts"))["alerts"]
        return [Firing(one["labels"]["alertname"], one["labels"]) for one in alerts if one["state"] == "firing"]

    async def fired(self, minutes: int) -> set[str]:
        """Names of what has fired in the last minutes."""
        found = await self._get(
            "query", query=f'count by (alertname) (count_over_time(ALERTS{{alertstate="firing"}}[{minutes}m]))'
        )
        return {one["metric"]["alertname"] for one in found["result"]}

    async def value(self, query: str) -> float | None:
        """The only, or the first, value of a query."""
        result = (await self._get("query", query=query))["result"]
        return float(result[0]["value"][1]) if result else None

    async def _get(self, what: str, **parameters: str) -> Any:
        answer = await self._http.get(f"{self.url}/api/v1/{what}", params=parameters)
        return answer.raise_for_status().json()["data"]


@asynccontextmanager
async def prometheus(folder: Path, jobs: Mapping[str, Sequence[int]]) -> AsyncGenerator[PrometheusAtHand, None]:
    """A server that scrapes these ports, by job. Ports may listen later: until then they are down."""
    port = free_port()
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(RULES / "*.yml")],
        "scrape_configs": [
            {"job_name": job, "file_sd_configs": [{"files": [str(folder / f"{job}.yml")], "refresh_interval": "1s"}]}
            for job in jobs
        ],
    }
    for job, ports in jobs.items():
        write_targets(folder, job, ports)
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    command = [part_of_prometheus("prometheus"), f"--config.file={folder / 'prometheus.yml'}"]
    command += [f"--storage.tsdb.path={folder / 'tsdb'}", f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"]
    with (folder / "prometheus.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
    async with plain_http() as http:
        try:
            await until(lambda: _is_ready(http, port))
            yield PrometheusAtHand(f"http://127.0.0.1:{port}", http)
        finally:
            process.terminate()
            await process.wait()


def write_targets(folder: Path, job: str, ports: Iterable[int]) -> None:
    """What a job scrapes from now on."""
    targets = [{"targets": [f"127.0.0.1:{port}" for port in ports]}]
    made = folder / f"{job}.yml.new"
    made.write_text(yaml.safe_dump(targets), encoding="utf-8")
    made.rename(folder / f"{job}.yml")


async def _is_ready(http: httpx.AsyncClient, port: int) -> bool:
    try:
        return (await http.get(f"http://127.0.0.1:{port}/-/ready")).status_code == 200
    except httpx.TransportError:
        return False


def check_rules(test: Path) -> str:
    """What `promtool test rules` says of a file; fails with it."""
    done = subprocess.run(  # noqa: S603 - found above
        [part_of_prometheus("promtool"), "test", "rules", str(test)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
