"""The two walks that a reader takes through the code, function by function, held against the code.

A step is a function by the name of its class (names are unique) or of its module. A step before it mentions it; `>` marks a hand-over: the step runs in another task, process or turn of the event loop, behind a queue, a stream or
a timer; `~` marks a callback, which is called by another name. Files are the modules of the steps, and those whose functions or classes a step uses.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
PACKAGES: Final = ("app", "workers")

SOCKET_TO_POST: Final = (
    "DirectProtocol.on_message_complete",
    "GraphQLView.handle",
    "GraphQLView._answer",
    "OperationRunner.run",
    "operation._run_plan",
    "mutations.created",
    "mutations.create_request",
    "RequestAcceptor.accept",
    "GroupCommit.put",
    ">RequestAcceptor._commit",
    "RequestAcceptor._begin_asking",
    ">RequestAcceptor._enqueue",
    "JobStreams.enqueue",
    ">StreamReader.run_once",
    "~Lane.begin",
    ">Lane._load",
    "Lane._work",
    "Lane._quote",
    "InsurerExchange.ask",
    "InsurerExchange._ask",
    "InsurerExchange._converse",
    "InsurerExchange._step",
    ">CallPacer.wait",
    "InsurerExchange._admitted",
    "RestPoll.create",
    "InsurerHttp.send",
)
"""From the last byte of a `createQuoteRequest` that has a plan to an insurer's POST."""

ANSWER_TO_FRAME: Final = (
    "Lane._work",
    "QuoteSettler.settle",
    ">QuoteSettler._commit",
    "QuoteSettler._committed",
    ">QuoteSettler._publish",
    "EventStreams.publish",
    ">WatchHub._on_notification",
    ">WatchHub._read_notified",
    "WatchHub._read_events",
    "Watch.learn",
    "~PushWatch.notify",
    "~Subscriber.flush",
    "Subscriber._write_news",
    "Subscriber._payload",
    "CompiledSubscription.write",
    "WebSocketProtocol.write",
)
"""From an insurer's answer to a frame of a plain subscription."""


@dataclass(frozen=True)
class Figure:
    """What a walk costs its reader."""

    files: int
    hand_overs: int
    broken: tuple[str, ...]
    """Steps that the code does not have, or that no step before leads to."""


def walk(steps: tuple[str, ...]) -> Figure:
    """The figure of a walk."""
    files: set[str] = set()
    broken: list[str] = []
    led_to: set[str] = set()
    for step in steps:
        name = step.lstrip(">~")
        found = _functions().get(name)
        if found is None:
            broken.append(f"{name} is not there")
            continue
        module, node = found
        files |= {module, *_used(module, node)}
        if led_to and step[0] not in ">~" and name.rpartition(".")[2] not in led_to:
            broken.append(f"nothing leads to {name}")
        led_to |= _mentioned(node)
    return Figure(len(files), sum(step.startswith(">") for step in steps), tuple(broken))


@cache
def _modules() -> dict[str, ast.Module]:
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): ast.parse(path.read_text(encoding="utf-8"))
        for path in paths
    }


@cache
def _functions() -> dict[str, tuple[str, ast.AST]]:
    found: dict[str, tuple[str, ast.AST]] = {}
    for module, tree in _modules().items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                found |= {f"{node.name}.{part.name}": (module, part) for part in _functions_in(node)}
        found |= {f"{module.rpartition('.')[2]}.{node.name}": (module, node) for node in _functions_in(tree)}
    return found


def _functions_in(node: ast.Module | ast.ClassDef) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (part for part in node.body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef))


def _mentioned(node: ast.AST) -> set[str]:
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    return names | {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)}


def _used(module: str, node: ast.AST) -> set[str]:
    """The modules of the product that define the functions and classes which a function calls by name."""
    called = {ast.unparse(part.func).split(".")[0] for part in ast.walk(node) if isinstance(part, ast.Call)}
    return {target for name, target in _imported(module).items() if name in called}


@cache
def _imported(module: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in ast.walk(_modules()[module]):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                target = inner if inner in _modules() else node.module
                if target in _modules():
                    found[alias.asname or alias.name] = target
    return found
