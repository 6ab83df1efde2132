"""What is deployed fits the code: commands, settings, ports, images. A Compose file that drifted fails here."""

import asyncio
import os
import re
import shlex
import tomllib
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
import typer.main
import yaml
from pydantic import SecretStr
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError
from support.until import until

from app.config.insurers_file import load_insurers
from app.config.settings import Settings
from app.redis.topology import connect, parse_address
from bridge.bridge_file import NatsSettings, load_destination
from cli.main import app
from sandbox.demo.servers import free_port, is_free, redis_binary

ROOT: Final = Path(__file__).parents[2]
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: Final[dict[str, Any]] = COMPOSE["services"]
OURS: Final = {name: service for name, service in SERVICES.items() if service["image"].startswith("osago-aggregator")}
DOCKERFILE: Final = (ROOT / "Dockerfile").read_text(encoding="utf-8")
NGINX: Final = (ROOT / "deploy/nginx.conf").read_text(encoding="utf-8")
VARIABLES: Final = {f"OSAGO_{name.upper()}" for name in Settings.model_fields}
_PORTS: Final = {"HTTP_PORT", "SANDBOX_PORT", "PROMETHEUS_PORT", "GRAFANA_PORT", "JAEGER_PORT"}
TRACES: Final = {"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"}
ONLY_COMPOSE: Final = {"POSTGRES_PASSWORD", "REDIS_PASSWORD", "FRONT_NETWORK", *_PORTS, *TRACES}
NEEDED: Final = {"OSAGO_AUTH_SECRET", "OSAGO_ENCRYPTION_KEYS", "POSTGRES_PASSWORD", "REDIS_PASSWORD"}
IMAGE: Final = re.compile(r"([\w/]+):v?\d+(\.\d+)+(-[\w.-]+)?(@sha256:[0-9a-f]{64})?")
"""A full version; its digest where `make images` has written one."""
UV_MIN: Final = (0, 11, 15)
"""The first without GHSA-4gg8-gxpx-9rph."""


def option(service: str, name: str) -> str:
    command = SERVICES[service]["command"]
    return command[command.index(name) + 1]


@pytest.mark.parametrize("name", OURS)
def test_a_service_runs_a_command_with_options_that_it_has(name: str) -> None:
    """Typer parses the options, without running the command."""
    command, *arguments = OURS[name]["command"]
    group: Any = typer.main.get_command(app)
    group.commands[command].make_context(command, list(arguments))


def test_the_image_runs_the_commands_and_is_not_root() -> None:
    """It is built from the lock, without the packages that only tests and the demo need."""
    assert 'ENTRYPOINT ["osago"]' in DOCKERFILE
    assert re.search(r"^USER [1-9][0-9]*$", DOCKERFILE, flags=re.MULTILINE)
    syncs = re.findall(r"^RUN uv sync (.*)$", DOCKERFILE, flags=re.MULTILINE)
    assert syncs
    assert all({"--frozen", "--no-dev", "--no-group", "embedded"} <= set(shlex.split(sync)) for sync in syncs)


def test_what_the_image_copies_is_there_and_let_through() -> None:
    """.dockerignore leaves everything out but these."""
    copied = [
        source
        for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, flags=re.MULTILINE)
        for source in line.split()[:-1]
    ]
    assert all((ROOT / source).exists() for source in copied)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignored
    assert {line[1:] for line in ignored if line.startswith("!")} == set(copied)


def test_the_image_is_built_from_all_that_the_wheel_is_made_of() -> None:
    """Its packages, and the files that lie elsewhere in the repository: a missing one fails the build."""
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"][
        "wheel"
    ]
    copied = set(re.findall(r"^COPY ([^- ]\S*) \1$", DOCKERFILE, flags=re.MULTILINE))
    top = set(re.findall(r"^COPY (.*) \./$", DOCKERFILE, flags=re.MULTILINE)[-1].split())
    assert {*wheel["packages"], *wheel["force-include"]} <= copied | top


def test_images_are_pinned_to_a_full_version() -> None:
    """A restart must not be an upgrade. All have a digest, or none has: `make images` writes them together."""
    images = [service["image"] for name, service in SERVICES.items() if name not in OURS]
    images += re.findall(r"^FROM (\S+)", DOCKERFILE, flags=re.MULTILINE)
    found = [IMAGE.fullmatch(image) for image in images]
    assert [match and match[1] for match in found] == [
        *("postgres", "redis", "nginx", "nats", "prom/prometheus", "grafana/grafana", "jaegertracing/jaeger"),
        *("python", "python"),
    ]
    assert len({match[4] is None for match in found if match}) == 1
    assert len(set(re.findall(r"^FROM (\S+)", DOCKERFILE, flags=re.MULTILINE))) == 1


@pytest.mark.parametrize("file", ["Dockerfile", "Makefile"])
def test_uv_comes_in_one_version_with_its_hashes(file: str) -> None:
    """It installs everything else: neither a newer release nor a changed file of this one may do that unseen."""
    lines = (ROOT / "deploy/uv.txt").read_text(encoding="utf-8").splitlines()
    (pinned,) = (line for line in lines if line.startswith("uv"))
    match = re.fullmatch(r"uv==(\d+)\.(\d+)\.(\d+) \\", pinned)
    assert match
    assert tuple(map(int, match.groups())) >= UV_MIN
    assert len([line for line in lines if re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line)]) >= 2
    text = (ROOT / file).read_text(encoding="utf-8").replace("\\\n", " ")
    (install,) = (line for line in text.splitlines() if "pip install" in line)
    assert {"--no-deps", "--only-binary", "--require-hashes", "--requirement"} <= set(install.split())
    assert install.split()[-1].endswith("uv.txt")


def test_every_setting_can_be_given() -> None:
    """All but the token that GraphiQL opens with, which is for demos alone."""
    for name in OURS.keys() - {"sandbox"}:
        assert set(OURS[name]["environment"]) == VARIABLES - {"OSAGO_GRAPHIQL_TOKEN"} | TRACES
    assert SERVICES["sandbox"]["environment"] == {}, "insurers know none of our secrets"


def interpolated() -> Iterator[tuple[str, str]]:
    """The variables that the Compose file reads, with what stands behind them: `:-default`, `:?message`."""
    yield from re.findall(r"\$\{([A-Z_]+)([^}]*)\}", (ROOT / "docker-compose.yml").read_text(encoding="utf-8"))


def test_a_missing_secret_is_an_error_and_all_else_has_a_default() -> None:
    """Compose reports the missing secret before anything starts."""
    assert {name for name, rest in interpolated() if rest.startswith(":?")} == NEEDED
    assert {name for name, rest in interpolated() if not rest.startswith((":?", ":-"))} == set()
    assert {name for name, _ in interpolated()} <= VARIABLES | ONLY_COMPOSE


def test_the_example_of_the_environment_lists_everything_with_its_default() -> None:
    """What is needed stands there empty, to be filled in."""
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    found = (re.fullmatch(r"(?:# )?([A-Z_]+)=(.*)", line) for line in lines)
    listed = {match[1]: match[2] for match in found if match}
    defaults = {name: default for name, default in listed.items() if name in VARIABLES}
    expected = {
        f"OSAGO_{name.upper()}": ""
        if isinstance(field.default, SecretStr) or field.default in {None, ()}
        else field.default
        for name, field in Settings.model_fields.items()
    }
    assert defaults == {
        name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in expected.items()
    }
    assert set(listed) - VARIABLES == ONLY_COMPOSE
    assert {line.rstrip("=") for line in lines if line.endswith("=") and not line.startswith("#")} == NEEDED


def test_no_file_names_a_variable_that_is_no_setting() -> None:
    """A typing error would be a setting that never takes effect."""
    files = [ROOT / name for name in ("docker-compose.yml", "Dockerfile", ".env.example", "deploy/nginx.conf")]
    named = {name for file in files for name in re.findall(r"OSAGO_[A-Z_]+", file.read_text(encoding="utf-8"))}
    assert named <= VARIABLES


def test_ports_agree() -> None:
    """The ports of processes, of the clients that call them, and of the image are the same."""
    api, worker, sandbox = option("api", "--port"), option("worker", "--metrics-port"), option("sandbox", "--port")
    assert re.search(rf"^\s*server api:{api} resolve", NGINX, flags=re.MULTILINE)
    (nginx,) = re.findall(r"^\s*listen (\d+)", NGINX, flags=re.MULTILINE)
    assert [port.rpartition(":")[2] for port in SERVICES["nginx"]["ports"]] == [nginx]
    assert [port.rpartition(":")[2] for port in SERVICES["sandbox"]["ports"]] == [sandbox]
    assert re.findall(r"^EXPOSE (.*)$", DOCKERFILE, flags=re.MULTILINE) == [f"{api} {sandbox} {worker}"]
    for name, port in (("api", api), ("worker", worker), ("sandbox", sandbox), ("nginx", nginx)):
        assert f"http://127.0.0.1:{port}/" in SERVICES[name]["healthcheck"]["test"][-1]
    hosts = {settings.base_url.host for settings in load_insurers(ROOT / "deploy/insurers.toml").values()}
    ports = {settings.base_url.port for settings in load_insurers(ROOT / "deploy/insurers.toml").values()}
    assert (hosts, ports) == ({"sandbox"}, {int(sandbox)})


def test_ports_are_published_on_loopback_only() -> None:
    """Other addresses, and TLS, are the decision of the installation."""
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_the_insurers_are_those_of_the_repository() -> None:
    """They have the same order and settings, at other addresses."""
    here, there = (load_insurers(ROOT / name) for name in ("insurers.toml", "deploy/insurers.toml"))
    assert list(here) == list(there)
    for id_, settings in here.items():
        moved = settings.model_copy(update={"base_url": there[id_].base_url})
        assert moved == there[id_]
        assert there[id_].base_url.path == settings.base_url.path


def test_every_process_waits_for_the_migrations_and_has_a_health_check() -> None:
    """`migrate` ends; the others stay, and report whether they are ready."""
    for name in ("api", "worker", "bridge"):
        assert SERVICES[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
        assert SERVICES[name]["deploy"]["replicas"] >= 2
        assert "/readyz" in SERVICES[name]["healthcheck"]["test"][-1]
    assert SERVICES["migrate"]["restart"] == "no"
    assert all("healthcheck" in service for name, service in SERVICES.items() if name != "migrate")


def networks(service: str) -> set[str]:
    return set(SERVICES[service]["networks"])


def test_a_container_reaches_its_neighbours_only() -> None:
    """Processes trust what is in Redis, so neither nginx nor the sandbox reaches it; it reaches nothing outside."""
    members = {name: {service for service in SERVICES if name in networks(service)} for name in COMPOSE["networks"]}
    assert members == {
        "front": {"nginx", "api"},
        "back": {"api", "worker", "bridge", "migrate", "postgres", "redis"},
        "insurers": {"worker", "sandbox"},
        "callbacks": {"nginx", "sandbox"},
        "metrics": {"api", "worker", "prometheus"},
        "traces": {"api", "worker", "jaeger"},
        "dashboards": {"prometheus", "grafana", "jaeger"},
        "brokers": {"bridge", "nats"},
    }
    assert all(COMPOSE["networks"][name] == {"internal": True} for name in ("back", "callbacks", "metrics", "traces"))
    assert not {"postgres", "redis", "api", "worker"} & {name for name, s in SERVICES.items() if s.get("ports")}


def test_the_profile_of_observability_has_the_files_that_it_mounts() -> None:
    """Without the profile neither starts; the mounted files exist, and name the ports that processes listen on."""
    for name in ("prometheus", "grafana", "jaeger"):
        assert SERVICES[name]["profiles"] == ["observability"]
        for volume in SERVICES[name].get("volumes", ()):
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or (ROOT / source).is_dir()
    scraped = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8"))
    targets = {one["names"][0]: one["port"] for job in scraped["scrape_configs"] for one in job["dns_sd_configs"]}
    assert targets == {"api": int(option("api", "--port")), "worker": int(option("worker", "--metrics-port"))}
    assert all(job["job_name"].startswith("osago") for job in scraped["scrape_configs"])


def test_the_bridge_is_there_when_its_profile_is_asked_for() -> None:
    """The broker, the destination and the port are those that its file and its command name."""
    assert [name for name, service in SERVICES.items() if service.get("profiles") == ["bridge"]] == ["bridge", "nats"]
    settings, _ = load_destination(ROOT / "deploy/bridge.toml", option("bridge", "--to"))
    assert isinstance(settings, NatsSettings)
    conf = (ROOT / "deploy/nats.conf").read_text(encoding="utf-8")
    assert [urlsplit(server).netloc for server in settings.servers] == [f"nats:{re.findall(r'port: (.*)', conf)[0]}"]
    assert "sync_interval: always" in conf
    assert f":{option('bridge', '--metrics-port')}/" in SERVICES["bridge"]["healthcheck"]["test"][-1]


def test_an_insurer_reaches_the_address_that_it_is_to_call() -> None:
    """The sandbox calls back through nginx, as an insurer in the internet does: it need not be polled."""
    called = urlsplit(with_defaults(SERVICES["worker"]["environment"]["OSAGO_PUBLIC_URL"]))
    assert networks(called.hostname or "") & networks("sandbox")
    assert f"listen {called.port} " in NGINX
    assert "location ^~ /callbacks/" in NGINX


def with_defaults(text: str) -> str:
    """As Compose reads it where the environment sets nothing."""
    while (changed := re.sub(r"\$\{[A-Z_]+:-([^${}]*)\}", r"\1", text)) != text:
        text = changed
    return text


def test_the_api_believes_nginx_alone() -> None:
    """One fixed address, which no replica is given: any other container could forge X-Forwarded-For."""
    (network,) = COMPOSE["networks"]["front"]["ipam"]["config"]
    subnet, replicas = (ip_network(with_defaults(network[key])) for key in ("subnet", "ip_range"))
    address = ip_address(with_defaults(SERVICES["nginx"]["networks"]["front"]["ipv4_address"]))
    assert with_defaults(SERVICES["api"]["environment"]["OSAGO_TRUSTED_PROXIES"]) == str(address)
    assert address in subnet
    assert address not in replicas
    assert replicas.subnet_of(subnet)  # type: ignore[arg-type]
    assert f"#set_real_ip_from {with_defaults(network['gateway'])};" in NGINX


async def test_redis_asks_for_its_password_and_never_evicts(tmp_path: Path) -> None:
    """The command of the Compose file, run; evicting would destroy consumer groups. The password is no argument."""
    port, password = free_port(), "a1b2c3"
    *shell, script = SERVICES["redis"]["command"]
    assert SERVICES["redis"]["environment"] == {"REDISCLI_AUTH": "${REDIS_PASSWORD:?see .env.example}"}
    script = script.replace("$$", "$").replace(
        "redis-server -", f"{redis_binary(tmp_path)} - --bind 127.0.0.1 --port {port}"
    )
    server = await asyncio.create_subprocess_exec(
        *shell,
        script,
        env={**os.environ, "REDISCLI_AUTH": password},
        cwd=tmp_path,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        await until(lambda: not is_free(port))
        async with Redis(host="127.0.0.1", port=port) as stranger:
            with pytest.raises(AuthenticationError):
                await stranger.ping()
        url = SERVICES["api"]["environment"]["OSAGO_REDIS_URL"]
        url = url.replace("${REDIS_PASSWORD:?see .env.example}", password).replace("redis:6379", f"127.0.0.1:{port}")
        client = connect(parse_address(url))
        assert await client.ping()
        await client.aclose()
        async with Redis.from_url(url) as operator:
            assert await operator.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    finally:
        server.terminate()
        await server.wait()


def seconds(directive: str) -> int:
    (value,) = re.findall(rf"^\s*{directive} (\d+)s;$", NGINX, flags=re.MULTILINE)
    return int(value)


def test_nginx_outlives_a_request() -> None:
    """No request depends on sticky sessions, and a POST is never repeated once it has been sent."""
    assert seconds("proxy_read_timeout") > 60
    assert re.search(r"proxy_next_upstream error timeout http_502 http_503;", NGINX)
    directives = re.sub(r"#.*", "", NGINX)
    assert not re.search(r"ip_hash|sticky|non_idempotent", directives)
    assert NGINX.count("{") == NGINX.count("}")


def test_nginx_limits_an_address_and_lets_a_whole_office_in() -> None:
    """An office of 2,500 customers has one address; each has two sockets, and all reconnect at once."""
    (connections,) = re.findall(r"^\s*limit_conn connections (\d+);$", NGINX, flags=re.MULTILINE)
    (burst,) = re.findall(r"^\s*limit_req zone=requests burst=(\d+) nodelay;$", NGINX, flags=re.MULTILINE)
    assert 2 * 2500 <= int(connections) <= 10_000
    assert 2 * 2500 <= int(burst) <= 10_000
    assert {"limit_conn_status 429;", "limit_req_status 429;"} <= set(map(str.strip, NGINX.splitlines()))


@pytest.mark.parametrize(
    "path", ["/graphql", "/graphql/static/graphiql.js", "/osago/quotes/1/stream", "/callbacks/a.k1.b"]
)
def test_nginx_lets_the_api_through(path: str) -> None:
    """GraphQL, the REST face, and insurers that call back."""
    (pattern,) = re.findall(r"location ~ (\S+) \{", NGINX)
    assert re.search(pattern, path)
    assert not any(re.search(pattern, other) for other in ("/metrics", "/readyz", "/graphqlx", "/"))


def test_nginx_does_not_log_where_an_insurer_calls() -> None:
    """The address authorises calls in the insurer's name: it appears neither in the access log nor in the error log."""
    log_format = NGINX[NGINX.index("log_format plain") : NGINX.index("access_log /dev/stdout")]
    assert not re.findall(r"\$(?:uri|request|request_uri|document_uri)\b", log_format)
    (named,) = re.findall(r"map \$uri \$logged_path \{\s+\"~(\S+)\"\s+(\S+);", NGINX)
    assert re.match(named[0], "/callbacks/0193.k1.abc")
    assert named[1] == "/callbacks/-"
    location = NGINX[NGINX.index("location ^~ /callbacks/ {") :].partition("}")[0]
    assert "error_log stderr crit;" in location
