"""The manifests are valid, fit the code, and their processes run as they say: commands, environment, ports, probes, a read-only root."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import pytest
import typer.main
import yaml
from prometheus_client import Gauge
from support.processes import ROOT
from support.servers import Servers
from support.until import until

from app.config.insurers_file import load_insurers
from app.config.settings import Settings
from app.observability import metrics
from cli.main import app
from sandbox.demo.servers import end_with_parent, redis_binary

BASE: Final = ROOT / "deploy/kubernetes/base"
KUSTOMIZATION: Final[dict[str, Any]] = yaml.safe_load((BASE / "kustomization.yaml").read_text(encoding="utf-8"))
VERSION: Final = "1.30"
"""The oldest that the manifests are for: `preStop.sleep` is on from there."""
SECONDS_TO_END: Final = 10
"""What a process takes after SIGTERM, at most (docs/operations.md, Limits)."""


def manifests() -> Iterator[dict[str, Any]]:
    for name in KUSTOMIZATION["resources"]:
        yield from yaml.safe_load_all((BASE / name).read_text(encoding="utf-8"))


ALL: Final = {(each["kind"], each["metadata"]["name"]): each for each in manifests()}
DEPLOYMENTS: Final = {name: it for (kind, name), it in ALL.items() if kind == "Deployment"}
WORKLOADS: Final = {name: it for (kind, name), it in ALL.items() if kind in {"Deployment", "Job"}}


def pod(name: str) -> dict[str, Any]:
    return WORKLOADS[name]["spec"]["template"]


def container(name: str) -> dict[str, Any]:
    (one,) = pod(name)["spec"]["containers"]
    return one


def settings() -> dict[str, str]:
    lines = (BASE / "settings.env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@pytest.mark.parametrize("name", ALL, ids="/".join)
def test_a_manifest_is_valid(name: tuple[str, str]) -> None:
    """KEDA's own kind has no schema among Kubernetes's; the test of the trigger reads it."""
    if not ALL[name]["apiVersion"].startswith("keda.sh/"):
        kubernetes_validate.validate(ALL[name], VERSION, strict=True)


def test_every_file_of_the_base_is_used() -> None:
    files = {path.name for path in BASE.iterdir()} - {"kustomization.yaml"}
    generated = {
        name for each in KUSTOMIZATION["configMapGenerator"] for key in ("files", "envs") for name in each.get(key, [])
    }
    assert files == {*KUSTOMIZATION["resources"], *generated}


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_container_runs_a_command_with_options_that_it_has_and_may_do_little(name: str) -> None:
    one, spec = container(name), pod(name)["spec"]
    command, *arguments = one["args"]
    group: Any = typer.main.get_command(app)
    group.commands[command].make_context(command, list(arguments))
    assert one["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    user = re.search(r"^USER (\d+)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert user
    assert (spec["securityContext"]["runAsNonRoot"], spec["securityContext"]["runAsUser"]) == (True, int(user[1]))
    assert spec["automountServiceAccountToken"] is False
    assert set(one["resources"]["requests"]) == {"cpu", "memory"}
    assert one["image"] == KUSTOMIZATION["images"][0]["name"]


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_a_pod_is_probed_and_has_time_to_end(name: str) -> None:
    """Probes name a port that the pod has; the pause before SIGTERM counts as part of the end."""
    one, spec = container(name), pod(name)["spec"]
    ports = {port["name"] for port in one["ports"]}
    probes = [one[probe]["httpGet"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")]
    assert [probe["path"] for probe in probes] == ["/healthz", "/healthz", "/readyz"]
    assert {probe["port"] for probe in probes} <= ports
    pause = one.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    assert spec["terminationGracePeriodSeconds"] >= pause + SECONDS_TO_END + 5
    assert ALL["Deployment", name]["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_selectors_select_the_pods(name: str) -> None:
    labels = pod(name)["metadata"]["labels"].items()
    assert DEPLOYMENTS[name]["spec"]["selector"]["matchLabels"].items() <= labels
    assert ALL["PodDisruptionBudget", name]["spec"]["selector"]["matchLabels"].items() <= labels
    assert ALL["PodDisruptionBudget", name]["spec"]["maxUnavailable"] == 1
    assert ALL["NetworkPolicy", name]["spec"]["podSelector"]["matchLabels"].items() <= labels


def test_nothing_goes_in_or_out_that_no_policy_names() -> None:
    """Workers reach insurers in the internet only, no address of the cluster or the cloud."""
    assert ALL["NetworkPolicy", "nothing"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    (out,) = ALL["NetworkPolicy", "worker"]["spec"]["egress"]
    assert {"10.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"} <= set(out["to"][0]["ipBlock"]["except"])
    for name, port in (("api", "http"), ("worker", "metrics")):
        (rule,) = ALL["NetworkPolicy", name]["spec"]["ingress"]
        assert rule["ports"] == [{"port": port}]


def test_settings_and_insurers_are_read_by_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {f"OSAGO_{name.upper()}" for name in Settings.model_fields}
    secret = {
        f"OSAGO_{name.upper()}" for name, field in Settings.model_fields.items() if "Secret" in str(field.annotation)
    }
    assert set(settings()) <= known - secret, "a secret belongs into the Secret"
    for name, value in settings().items():
        monkeypatch.setenv(name, value)
    assert str(Settings.load().insurers_file) == "/etc/osago/insurers.toml"
    assert load_insurers(BASE / "insurers.toml")


def test_workers_are_scaled_by_one_trigger_on_a_metric_that_exists() -> None:
    scaled = ALL["ScaledObject", "worker"]["spec"]
    (trigger,) = scaled["triggers"]
    assert scaled["scaleTargetRef"]["name"] in DEPLOYMENTS
    assert "replicas" not in DEPLOYMENTS["worker"]["spec"], "each apply would undo what the trigger has set"
    (named,) = set(re.findall(r"osago_\w+", trigger["metadata"]["query"]))
    assert named in {it.describe()[0].name for it in vars(metrics).values() if isinstance(it, Gauge)}  # pyright: ignore[reportIndexIssue]


# --- The processes, in a network and on a file system of their own ---------------------------------------------------

JAIL: Final = 'mount -o remount,bind,ro / && ip link set lo up && exec "$@"'
"""Everything is read-only, which is stricter than the manifest: that has a `/tmp` in memory."""
USER: Final = () if os.geteuid() == 0 else ("--user",)
"""Others than root need a user namespace for it, in which root could not open PostgreSQL's socket."""
UNSHARE: Final = ("unshare", "--net", "--mount", *USER, *(["--map-root-user"] if USER else []), "sh", "-c", JAIL, "sh")


@pytest.fixture
async def addresses(servers: Servers, tmp_path: Path) -> AsyncGenerator[dict[str, str], None]:
    """PostgreSQL without a schema and Redis, on sockets: a network of its own reaches no port of this machine."""
    probe = await asyncio.create_subprocess_exec(*UNSHARE, "true", stderr=subprocess.DEVNULL)
    if await probe.wait() or "host=" not in servers.database_url:
        pytest.skip("needs user namespaces, ip and mount, and the embedded PostgreSQL")
    database = await servers.new_database(is_empty=True)
    path = tmp_path / "redis.sock"
    redis = subprocess.Popen(  # noqa: ASYNC220, S603 - it starts at once
        [str(redis_binary(tmp_path)), "--port", "0", "--unixsocket", str(path), "--save", ""],
        stdout=subprocess.DEVNULL,
        preexec_fn=end_with_parent,  # noqa: PLW1509 - one system call, no locks
    )
    await until(path.exists)
    yield {"OSAGO_DATABASE_URL": database.url, "OSAGO_REDIS_URL": f"unix://{path}"}
    redis.kill()
    redis.wait()
    await database.drop()


@asynccontextmanager
async def pod_process(
    name: str, environment: dict[str, str], log: Path
) -> AsyncGenerator[asyncio.subprocess.Process, None]:
    """The container's process, with its arguments and environment as they stand; without its image."""
    command = [sys.executable, "-m", "cli.main", *container(name)["args"]]
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *UNSHARE, *command, stdout=output, stderr=output, env=environment, cwd="/"
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def probed(process: asyncio.subprocess.Process, name: str, probe: str) -> int:
    """The status that the probe gets, in the pod's own network; 0: no answer."""
    one = container(name)
    get = one[probe]["httpGet"]
    (port,) = (each["containerPort"] for each in one["ports"] if each["name"] == get["port"])
    reads = (
        "import http.client, sys\n"
        "try:\n    c = http.client.HTTPConnection('127.0.0.1', int(sys.argv[1]), timeout=2); c.request('GET', sys.argv[2])\n"
        "    print(c.getresponse().status)\nexcept OSError:\n    print(0)\n"
    )
    enter = ("nsenter", "--preserve-credentials", *USER, "--net", "--target", str(process.pid))
    asked = await asyncio.create_subprocess_exec(
        *enter, sys.executable, "-Sc", reads, str(port), get["path"], stdout=subprocess.PIPE
    )
    return int((await asked.communicate())[0] or 0)


@pytest.mark.processes
async def test_the_pods_start_are_ready_when_migrated_and_end_with_0(
    addresses: dict[str, str], tmp_path: Path, secrets_of_a_pod: dict[str, str]
) -> None:
    """Pods that start before the migrations are alive, not ready, and get ready by themselves."""
    insurers = tmp_path / "insurers.toml"
    shutil.copyfile(BASE / "insurers.toml", insurers)
    environment = {
        **{name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ},
        "PYTHONPATH": str(ROOT),
        **settings(),
        **secrets_of_a_pod,
        **addresses,
        "OSAGO_INSURERS_FILE": str(insurers),  # mounted at the path of the manifest there
    }
    async with (
        pod_process("api", environment, tmp_path / "api.log") as api,
        pod_process("worker", environment, tmp_path / "worker.log") as worker,
    ):
        pods = {"api": api, "worker": worker}
        for name, process in pods.items():
            await until(lambda name=name, process=process: status_is(process, name, "startupProbe", 200))
            assert await probed(process, name, "readinessProbe") == 503
        async with pod_process("migrate", environment, tmp_path / "migrate.log") as migrate:
            assert await migrate.wait() == 0, (tmp_path / "migrate.log").read_text()
        for name, process in pods.items():
            await until(lambda name=name, process=process: status_is(process, name, "readinessProbe", 200))
            assert await probed(process, name, "livenessProbe") == 200
        for name, process in pods.items():
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0, (tmp_path / f"{name}.log").read_text()


async def status_is(process: asyncio.subprocess.Process, name: str, probe: str, status: int) -> bool:
    assert process.returncode is None, f"{name} has ended"
    return await probed(process, name, probe) == status


@pytest.fixture
def secrets_of_a_pod() -> dict[str, str]:
    """What the Secret has, the addresses of the databases apart."""
    key = "k1:" + "A" * 43 + "="
    return {"OSAGO_AUTH_SECRET": "s" * 48, "OSAGO_ENCRYPTION_KEYS": key, "SEVER_TOKEN": "t"}
