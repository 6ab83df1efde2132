"""Figures of the structure, read from the code: `make house` prints them, `make check` holds those that have a limit."""

import ast
import importlib
import inspect
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tools import prose, walks

ROOT: Final = Path(__file__).parents[1]
PRODUCT: Final = ("app", "workers", "bridge", "cli", "osago_adapters")
"""Packages in which no two modules and no two public classes share a name."""
ALL: Final = (*PRODUCT, "sandbox", "osago_adapter_suite")
MODULES_IN_A_FOLDER_MAX: Final = 13
FILES_OF_AN_APPLICATIONS_FIELD: Final = 4
FILES_OF_AN_OFFERS_FIELD: Final = 4
"""Written by hand, as the trials in docs/adr/0041 counted them; adapters, sandbox, tests and what is generated are apart."""


def sources(*packages: str) -> list[Path]:
    """Every Python file below these packages."""
    return sorted(path for package in packages for path in (ROOT / package).rglob("*.py"))


def shared_module_names() -> Mapping[str, list[str]]:
    """Names that several modules of the product have, `main` apart."""
    named: dict[str, list[str]] = defaultdict(list)
    for path in sources(*PRODUCT):
        if path.stem not in {"__init__", "main"}:
            named[path.stem].append(path.relative_to(ROOT).as_posix())
    return {name: paths for name, paths in named.items() if len(paths) > 1}


def shared_class_names() -> Mapping[str, list[str]]:
    """Names that several public classes of the product have."""
    named: dict[str, list[str]] = defaultdict(list)
    for path in sources(*PRODUCT):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                named[node.name].append(path.relative_to(ROOT).as_posix())
    return {name: paths for name, paths in named.items() if len(paths) > 1}


def full_folders() -> Mapping[str, int]:
    """Folders with more modules than a reader takes in at once."""
    counts: dict[str, int] = defaultdict(int)
    for path in sources(*ALL):
        if path.name != "__init__.py":
            counts[path.parent.relative_to(ROOT).as_posix()] += 1
    return {folder: count for folder, count in counts.items() if count > MODULES_IN_A_FOLDER_MAX}


def imports() -> Mapping[str, set[str]]:
    """By module of the product: the modules of the product that it imports."""
    modules = {_dotted(path): path for path in sources(*ALL)}
    graph: dict[str, set[str]] = {module: set() for module in modules}
    for module, path in modules.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    inner = f"{node.module}.{alias.name}"
                    target = inner if inner in modules else node.module
                    if target in modules and target != module:
                        graph[module].add(target)
    return graph


def cycles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Groups of modules that reach each other."""
    reach = {module: _reached(graph, module) for module in graph}
    groups = {frozenset({m, *(n for n in reach[m] if m in reach[n])}) for m in graph}
    return sorted(sorted(group) for group in groups if len(group) > 1)


def packages_of(graph: Mapping[str, set[str]], depth: int) -> Mapping[str, set[str]]:
    """The same imports between packages of so many names."""
    grouped: dict[str, set[str]] = defaultdict(set)
    for module, targets in graph.items():
        own = _cut(module, depth)
        grouped[own] |= {_cut(target, depth) for target in targets} - {own}
    return grouped


def _cut(module: str, depth: int) -> str:
    return ".".join(module.split(".")[:depth])


def _reached(graph: Mapping[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    ahead = [start]
    while ahead:
        for target in graph.get(ahead.pop(), ()):
            if target not in seen:
                seen.add(target)
                ahead.append(target)
    return seen


def _dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def overridden_methods() -> list[str]:
    """Methods of classes of uvicorn, Strawberry, graphql-core and PyJWT that classes of the product override."""
    found: list[str] = []
    for path in sources(*PRODUCT):
        if LIBRARIES.search(path.read_text(encoding="utf-8")) or path.is_relative_to(ROOT / "app/server"):
            for cls in vars(importlib.import_module(_dotted(path))).values():
                if inspect.isclass(cls) and cls.__module__ == _dotted(path):
                    found += [f"{cls.__name__}.{name}" for name in sorted(overridden_by(cls))]
    return found


def overridden_by(cls: type) -> set[str]:
    """The methods of this class that a library's class among its bases has, too; `__init__` and its like left out."""
    foreign = foreign_bases(cls)
    methods = {name for name, value in vars(cls).items() if inspect.isfunction(value) and not name.startswith("__")}
    return {name for name in methods if any(name in vars(base) for base in foreign)}


def foreign_bases(cls: type) -> list[type]:
    """The classes of these libraries that it derives from."""
    return [base for base in cls.__mro__ if LIBRARIES.match(f"from {base.__module__}")]


LIBRARIES: Final = re.compile(
    r"^(?:from|import) (?:uvicorn|websockets|strawberry|graphql|jwt|prometheus_client)\b", re.MULTILINE
)
"""Libraries with methods that are overridden here, although they are no promised interface."""


def doors() -> list[str]:
    """Modules outside of the schema that create a quote request for a caller: the ways into the one mutation that matters."""
    creating = {"create_request", "created"}
    return [
        _dotted(path)
        for path in sources("app")
        if "app/api/schema" not in path.as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "app.api.schema.mutations"
        if creating & {alias.name for alias in node.names}
    ]


def modules_without_layer() -> list[str]:
    """Modules in a container of import-linter's that none of its layers has."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers = {
        container: set(re.split(r"[ |:]+", " ".join(contract["layers"])))
        for contract in contracts
        for container in contract.get("containers", ())
    }
    listed = " ".join(name for each in contracts if each["type"] == "layers" for name in each["layers"])
    layers[""] = {"sandbox", *re.split(r"[ |:]+", listed)}
    return [
        module
        for module in map(_dotted, sources(*ALL))
        for container, names in layers.items()
        if module.startswith(f"{container}." if container else "") and module != container
        if module.removeprefix(f"{container}.").split(".")[0] not in names
    ]


def figures() -> list[tuple[str, object]]:
    """The figures, each with what it counts."""
    graph = imports()
    words = prose.share(sources(*ALL))
    most = max(prose.shares(ROOT).values(), key=lambda share: share.per_1000)
    knowing_redis = [
        path for path in sources(*ALL) if re.search(r"\bredis\.exceptions\b", path.read_text(encoding="utf-8"))
    ]
    package_cycles = [group for depth in (2, 3) for group in cycles(packages_of(graph, depth))]
    call, push = walks.walk(walks.SOCKET_TO_POST), walks.walk(walks.ANSWER_TO_FRAME)
    return [
        ("modules", len(sources(*ALL))),
        ("files from the socket to an insurer's POST", call.files),
        ("hand-overs on that way", call.hand_overs),
        ("files from an insurer's answer to a frame", push.files),
        ("hand-overs on that way", push.hand_overs),
        ("modules by which a mutation comes in", len(doors())),
        ("files that one more field of an application touches", FILES_OF_AN_APPLICATIONS_FIELD),
        ("files that one more field of an offer touches", FILES_OF_AN_OFFERS_FIELD),
        ("modules without a layer", len(modules_without_layer())),
        ("module names that stand twice", len(shared_module_names())),
        ("public class names that stand twice", len(shared_class_names())),
        (f"folders with more than {MODULES_IN_A_FOLDER_MAX} modules", len(full_folders())),
        ("cycles of files", len(cycles(graph))),
        ("cycles of packages", len(package_cycles)),
        ("modules that know how Redis fails", len(knowing_redis)),
        ("overridden methods of uvicorn, Strawberry, graphql-core and PyJWT", len(overridden_methods())),
        ("words of the dialect in 1,000", f"{words.per_1000:.1f}"),
        ("words of the dialect in 1,000, in the folder or document with the most", f"{most.per_1000:.1f}"),
        ("words of comments and docstrings", words.words),
    ]


def main() -> None:
    """Prints the figures; with `--check` it fails where one is over its limit."""
    if "--check" not in sys.argv:
        for what, figure in figures():
            print(f"{figure!s:>8}  {what}")
        for name, paths in {**shared_module_names(), **shared_class_names()}.items():
            print(f"          {name}: {', '.join(paths)}")
        return
    over = prose.over_the_bound(ROOT)
    for group, share in over.items():
        print(f"{group}: {share.per_1000:.1f} words in 1,000 of {prose.COUNTED.pattern}")
    if over:
        sys.exit(
            f"More than {prose.PER_1000_MAX:.0f}: the subject of a sentence is a thing of the code (a job, a worker)."
        )


if __name__ == "__main__":
    main()
