"""Packages of somebody else's, installed into a folder as pip would leave them there."""

from collections.abc import Mapping
from pathlib import Path


def install(folder: Path, name: str, source: str, adapters: Mapping[str, str]) -> str:
    """One module with adapters, by the name that insurers.toml says; returns the folder, to stand in `sys.path`."""
    metadata = folder / f"{name}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (folder / f"{name}.py").write_text(source, encoding="utf-8")
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    lines = (f"{key} = {value}" for key, value in adapters.items())
    (metadata / "entry_points.txt").write_text("\n".join(["[osago.adapters]", *lines, ""]), encoding="utf-8")
    return str(folder)
