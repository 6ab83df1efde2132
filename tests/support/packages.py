"""Other people's packages, installed into a folder as pip would leave them there."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType


def install(
    folder: Path,
    name: str,
    source: str,
    adapters: Mapping[str, str],
    more: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> str:
    """One module with adapters, by the name that insurers.toml says, and `more` groups of entry points.

    Returns the folder, to stand in `sys.path`.
    """
    metadata = folder / f"{name}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (folder / f"{name}.py").write_text(source, encoding="utf-8")
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    lines: list[str] = []
    for group, entries in {"osago.adapters": adapters, **more}.items():
        lines += [f"[{group}]", *(f"{key} = {value}" for key, value in entries.items()), ""]
    (metadata / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
    return str(folder)
