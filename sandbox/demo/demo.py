"""`osago demo`: embedded servers, then every process of the system, watched over until Ctrl-C."""

import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from sandbox.demo.environment import (
    INSURERS_FILE,
    Ports,
    demo_environment,
    hand_over,
    quote_command,
    remember_demo,
    server_of_its_own,
    source_command,
)
from sandbox.demo.servers import NoServer, Postgresql, Redis, end_with_parent, free_port, is_free, wait_for_port

WORKERS: Final = 2
STOP_S_MAX: Final = 10.0
_LOOK_EVERY_S: Final = 0.2
_SANDBOX_PORT: Final = 8100
_CORE_APP_PORT: Final = 8200
_WRONG: Final = 2


def run(*, port: int, state_dir: Path, time_scale: float) -> int:
    """Runs the demo until Ctrl-C or SIGTERM; returns the exit code."""
    folder = state_dir.resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return _cannot(NoServer(f"--state-dir: {error.strerror}"), folder)
    try:
        demo = Demo(folder, port=port, time_scale=time_scale)
    except NoServer as error:
        return _cannot(error, folder)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, demo.ask_to_stop)
    try:
        demo.start()
        demo.watch()
    except NoServer as error:
        return _cannot(error, folder)
    finally:
        demo.stop()
    return 0


def _cannot(error: NoServer, folder: Path) -> int:
    print(f"osago demo: {error} (logs: {folder})", file=sys.stderr)  # noqa: T201 - the one clear line
    return _WRONG


class Demo:
    """Everything that runs, by name."""

    def __init__(self, folder: Path, *, port: int, time_scale: float) -> None:
        self._console = Console(highlight=False)
        self._folder = folder
        self._ports = Ports(
            api=port,
            sandbox=_SANDBOX_PORT if is_free(_SANDBOX_PORT) else free_port(),
            core_app=_CORE_APP_PORT if is_free(_CORE_APP_PORT) else free_port(),
            workers=tuple(free_port() for _ in range(WORKERS)),
        )
        self._time_scale = time_scale
        # Servers of one's own are taken where the environment names them.
        self._database_url = server_of_its_own(folder, "OSAGO_DATABASE_URL")
        self._redis_url = server_of_its_own(folder, "OSAGO_REDIS_URL")
        self._postgresql = None if self._database_url else Postgresql(folder / "postgres", is_tuned=True)
        self._redis = None if self._redis_url else Redis(folder / "redis")
        self._environment: Mapping[str, str] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._is_stopping = False

    def ask_to_stop(self, *_signal: object) -> None:
        self._is_stopping = True

    def start(self) -> None:
        """Starts everything, in the order in which one needs the other.

        Raises:
            NoServer: a part does not start.
        """
        if not is_free(self._ports.api):
            raise NoServer(f"port {self._ports.api} is taken: choose another with --port")
        self._console.print("[bold]osago-aggregator[/bold]  starting its servers …", style="dim")
        if self._postgresql:
            self._postgresql.start()
            self._database_url = self._postgresql.url()
        if self._redis:
            self._redis.start()
            self._redis_url = self._redis.url
        self._environment = demo_environment(
            self._folder, database_url=self._database_url, redis_url=self._redis_url, ports=self._ports
        )
        self._run_once("migrate")
        token = self._run_once("token", "--ttl", "90d")
        operator_token = self._run_once(
            "token", "--subject", "demo", "--scope", "operator operator:act", "--ttl", "90d"
        )
        self._environment = {**self._environment, "OSAGO_GRAPHIQL_TOKEN": token, "OSAGO_TOKEN": token}
        remember_demo(self._folder, port=self._ports.api, token=token)
        hand_over(self._folder, self._environment, url=f"{self._base}/graphql")
        self._console.print(f"starting {', '.join(self._commands())} …", style="dim")
        for name in self._commands():
            self._spawn(name)
        for name, port in self._listening().items():
            wait_for_port(port, self._processes[name])
        self._announce(token, operator_token)

    def watch(self) -> None:
        """Restarts the processes that die, until it is stopped."""
        while not self._is_stopping:
            for name, process in list(self._processes.items()):
                code = process.poll()
                if code is not None and not self._is_stopping:
                    self._console.print(f"{name} (pid {process.pid}) ended with {code}: started again", style="yellow")
                    self._spawn(name)
            time.sleep(_LOOK_EVERY_S)

    def stop(self) -> None:
        """Ends everything, the servers last."""
        running = [process for process in self._processes.values() if process.poll() is None]
        for process in running:
            process.terminate()
        until = time.monotonic() + STOP_S_MAX
        for process in running:
            try:
                process.wait(timeout=max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for server in (self._redis, self._postgresql):
            if server:
                server.stop()
        if running:
            self._console.print("stopped", style="dim")

    def _commands(self) -> Mapping[str, list[str]]:
        scale = ["--port", str(self._ports.sandbox), "--time-scale", str(self._time_scale)]
        commands = {
            "sandbox": ["sandbox", *scale],
            "api": ["api", "--port", str(self._ports.api)],
            "core-app": ["core-app", "--port", str(self._ports.core_app), "--url", f"{self._base}/graphql"],
        }
        for number, port in enumerate(self._ports.workers, 1):
            commands[f"worker-{number}"] = ["worker", "--name", f"demo-{number}", "--metrics-port", str(port)]
        return commands

    def _listening(self) -> Mapping[str, int]:
        workers = {f"worker-{number}": port for number, port in enumerate(self._ports.workers, 1)}
        return {"sandbox": self._ports.sandbox, "api": self._ports.api, "core-app": self._ports.core_app, **workers}

    @property
    def _base(self) -> str:
        return f"http://127.0.0.1:{self._ports.api}"

    def _spawn(self, name: str) -> None:
        with (self._folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(  # noqa: S603 - our own commands
                [sys.executable, "-m", "cli.main", *self._commands()[name]],
                env=dict(self._environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=end_with_parent,  # noqa: PLW1509 - one system call, no locks
            )

    def _run_once(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "cli.main", *arguments]
        done = subprocess.run(command, env=dict(self._environment), capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise NoServer(f"`osago {arguments[0]}` failed: {done.stderr.strip().splitlines()[-1]}")
        return done.stdout.strip()

    def _announce(self, token: str, operator_token: str) -> None:
        table = Table.grid(padding=(0, 2))
        for name, value in (
            ("Customer's page", f"http://127.0.0.1:{self._ports.core_app}/"),
            ("GraphiQL", f"{self._base}/graphql"),
            ("Operator's console", f"{self._base}/operator  (sign in with the operator's token below)"),
            ("Insurers", f"http://127.0.0.1:{self._ports.sandbox}/docs  (script their next answers)"),
            ("Health", f"{self._base}/readyz · {self._base}/metrics"),
            ("Workers", ", ".join(f"http://127.0.0.1:{port}/metrics" for port in self._ports.workers)),
            ("PostgreSQL", self._database_url),
            ("Redis", self._redis_url),
            ("Settings", str(self._folder / INSURERS_FILE)),
            ("Logs", f"{self._folder}/*.log"),
            ("Processes", ", ".join(f"{name} {process.pid}" for name, process in self._processes.items())),
            ("Settings for a shell", source_command(self._folder)),
            ("Try", f"{quote_command(self._folder)}   (in another terminal)"),
        ):
            table.add_row(f"[bold]{name}[/bold]", value)
        self._console.print(table, soft_wrap=True)
        self._console.print(f"[bold]Service token[/bold]\n{token}", soft_wrap=True)
        self._console.print(f"[bold]Operator's token[/bold]\n{operator_token}", soft_wrap=True)
        self._console.print("[bold green]ready[/bold green] — Ctrl-C ends everything")
