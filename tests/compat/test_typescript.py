"""The types for TypeScript, compiled by TypeScript."""

import shutil
import subprocess
from pathlib import Path
from typing import Final

SCHEMA: Final = Path(__file__).parents[2] / "frontend/schema.ts"


def test_the_types_compile_and_refuse_what_is_wrong(node_folder: Path) -> None:
    """In strict mode; a union is discriminated by its `__typename`, a oneOf takes one field."""
    shutil.copy(SCHEMA, node_folder / "schema.ts")
    options = ["--noEmit", "--strict", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler"]
    command = ["node", "node_modules/typescript/bin/tsc", *options, "typed.ts"]
    compiled = subprocess.run(command, cwd=node_folder, capture_output=True, text=True, check=False)  # noqa: S603
    assert compiled.returncode == 0, compiled.stdout
