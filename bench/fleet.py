"""The whole product in processes of its own, and the insurers that it asks, for lines that need everything."""

import contextlib
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.measured_processes import cpu_s, family, pss_bytes, running
from bench.system import System, system
from sandbox.demo.servers import free_port

TEN: Final = ("sever", "volga", "ural", "baikal", "kama", "ladoga", "onega", "taiga", "amur", "polyus")
_INSURER: Final = """
[[insurer]]
id = "{id}"
name = "{id}"
adapter = "rest-poll"
base_url = "http://127.0.0.1:{port}/{id}"
{more}
"""


@dataclass(frozen=True, slots=True)
class Fleet:
    """What runs. `product` are the pids of the product and its servers, by name; `insurers` is the world around."""

    system: System
    url: str
    insurers_url: str
    insurers: int
    product: Mapping[str, Sequence[int]]

    def cpu_s(self) -> Mapping[str, float]:
        """Seconds of CPU so far, by name."""
        return {name: sum(map(cpu_s, _families(pids))) for name, pids in self._all_pids.items()}

    def memory_bytes(self) -> Mapping[str, int]:
        """What each holds in memory now, by name; what processes share is counted once."""
        return {name: sum(map(pss_bytes, _families(pids))) for name, pids in self._all_pids.items()}

    @property
    def _all_pids(self) -> Mapping[str, Sequence[int]]:
        return {**self.product, "insurers": [self.insurers]}


def _families(pids: Sequence[int]) -> list[int]:
    return [one for pid in pids for one in family(pid)]


@contextlib.contextmanager
def fleet(
    folder: Path,
    *,
    insurers: Sequence[str] = TEN,
    workers: int = 1,
    thinking_s: tuple[float, float] = (0.5, 50),
    more: str = "",
    **settings: str,
) -> Generator[Fleet]:
    """One API, so many workers, and the insurers, which answer with an offer after `thinking_s`, at least and at most.

    `more` are further lines of each insurer's table.
    """
    port = free_port()
    file = folder / "insurers.toml"
    file.write_text("".join(_INSURER.format(id=id_, port=port, more=more) for id_ in insurers), encoding="utf-8")
    with contextlib.ExitStack() as stack:
        made = stack.enter_context(system(OSAGO_INSURERS_FILE=str(file), **settings))
        asking = ["-m", "bench.insurers", str(port), *map(str, thinking_s)]
        insurers_pid = stack.enter_context(running(asking, port=port, environment=made.environment))
        api, url = stack.enter_context(made.api())
        servers = {name: [pid] for name, pid in made.servers.items()}
        pids = [stack.enter_context(worker(made)) for _ in range(workers)]
        yield Fleet(made, url, f"http://127.0.0.1:{port}", insurers_pid, {"api": [api], "workers": pids, **servers})


@contextlib.contextmanager
def worker(made: System, *options: str) -> Generator[int]:
    """The pid of a worker that is ready."""
    port = free_port()
    arguments = ["-m", "cli.main", "worker", "--metrics-port", str(port), *options]
    with running(arguments, port=port, environment=made.environment) as pid:
        yield pid
